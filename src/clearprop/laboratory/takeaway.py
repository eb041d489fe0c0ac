"""Taking a run away: the model as a file or as source in other languages, the whole run as a folder, or its report."""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path

from clearprop.errors import OptionError
from clearprop.export import Model
from clearprop.laboratory.lab_session import LabSession
from clearprop.laboratory.run_folder import NAME, command_of, configuration_of, outcome_of, write_run

FORMS = {
    "run": ("run.zip", "application/zip"),
    "report": ("report.html", "text/html"),
    "clearprop": ("model.safetensors", "application/octet-stream"),
    "numpy": ("model.py", "text/x-python"),
    "torch": ("model_torch.zip", "application/zip"),
    "c": ("model_c.zip", "application/zip"),
    "js": ("model.js", "text/javascript"),
    "onnx": ("model.onnx", "application/octet-stream"),
}
"""Name and media type of what each form gives."""
ENDINGS = {"numpy": ".py", "torch": ".py", "c": ".c", "js": ".js", "onnx": ".onnx"}


def taken_away(session: LabSession, form: str) -> tuple[str, str, bytes]:
    """File name, media type and bytes of a form of the run at its newest step.

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
    now = session.published  # a copy, beside which training goes on
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        if form == "run":
            write_run(now, session.upload, folder / NAME)
            return name, media, zipped(sorted((folder / NAME).iterdir()), NAME)
        if form == "report":
            from clearprop.report import training_report

            page = training_report(outcome_of(now), configuration_of(now, session.upload), command_of(now)).html()
            return name, media, page.encode()
        model = Model.of(now.net.copy(), now.trainer.loss, now.trainer.data)
        if form == "clearprop":
            path = folder / name
            model.save(path)
            return name, media, path.read_bytes()
        files = model.export(folder / f"model{ENDINGS[form]}", form).files
        if len(files) == 1 and not name.endswith(".zip"):
            return name, media, files[0].read_bytes()
        return name, media, zipped(files)


def zipped(files: list[Path], folder: str = "") -> bytes:
    """An archive of several files, in a folder of this name."""
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            archive.write(file, Path(folder) / file.name)
    return memory.getvalue()
