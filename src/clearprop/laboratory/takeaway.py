"""Taking a run away: the model as a file, as source in other languages, or as a report."""

from __future__ import annotations

import tempfile
from pathlib import Path

from clearprop.errors import OptionError
from clearprop.export import Model
from clearprop.laboratory.trainer import Trainer

FORMS = {
    "clearprop": ("model.safetensors", "application/octet-stream"),
    "numpy": ("model.py", "text/x-python"),
    "torch": ("model_torch.zip", "application/zip"),
    "c": ("model_c.zip", "application/zip"),
    "js": ("model.js", "text/javascript"),
    "onnx": ("model.onnx", "application/octet-stream"),
}
"""Name and media type of what each form gives."""
ENDINGS = {"numpy": ".py", "torch": ".py", "c": ".c", "js": ".js", "onnx": ".onnx"}


def taken_away(trainer: Trainer, form: str) -> tuple[str, str, bytes]:
    """File name, media type and bytes of a form of the present net.

    Raises
    ------
    OptionError
        If there is no such form.
    ClearpropError
        If the net cannot be written in it.
    """
    if form not in FORMS:
        raise OptionError(f"There is no form {form[:40]!r}; there are {', '.join(FORMS)}.")
    name, media = FORMS[form]
    model = Model.of(trainer.net.copy(), trainer.loss, trainer.data)
    with tempfile.TemporaryDirectory() as folder:
        if form == "clearprop":
            path = Path(folder) / name
            model.save(path)
            return name, media, path.read_bytes()
        files = model.export(Path(folder) / f"model{ENDINGS[form]}", form).files
        if len(files) == 1 and not name.endswith(".zip"):
            return name, media, files[0].read_bytes()
        return name, media, zipped(files)


def zipped(files: list[Path]) -> bytes:
    """An archive of several files."""
    import io
    import zipfile

    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            archive.write(file, file.name)
    return memory.getvalue()
