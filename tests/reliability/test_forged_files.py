"""Files of our own, forged or cut: each is refused in one sentence that names it, and nothing is half restored."""

from __future__ import annotations

import json
import struct
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import clearprop as cp
from clearprop.cli.configuration import Configuration, from_file
from clearprop.data import load
from clearprop.data.array_files import read_idx, read_npz
from clearprop.errors import ClearpropError, DataError, ModelFileError, ShortOfMemoryError
from clearprop.files import load_arrays
from clearprop.sweeps import Store, read_rows
from clearprop.training import Checkpoint, History
from clearprop.training.outcome import train
from clearprop.training.settings import settings_for
from clearprop.training.setup import set_up
from support.bad_values import circle_points

NESTED = "[" * 100_000 + "]" * 100_000
JUNK: list[Any] = [
    None,
    True,
    -1,
    0,
    2.5,
    1e30,
    "zzz",
    "",
    [],
    [1],
    ["a"],
    [[]],
    {},
    {"a": 1},
    {"type": 3},
    [None],
    [{"type": "zzz"}],
]


def parts(path: Path) -> tuple[dict[str, Any], bytes]:
    raw = path.read_bytes()
    (n,) = struct.unpack("<Q", raw[:8])
    return json.loads(raw[8 : 8 + n]), raw[8 + n :]


def forge(path: Path, target: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """A copy of a file of arrays whose header is changed."""
    outer, body = parts(path)
    header = json.loads(outer["__metadata__"]["header"])
    change(header)
    outer["__metadata__"]["header"] = json.dumps(header)
    return rewrite(target, outer, body)


def rewrite(target: Path, outer: dict[str, Any], body: bytes) -> Path:
    text = json.dumps(outer).encode()
    target.write_bytes(struct.pack("<Q", len(text)) + text + body)
    return target


def said(call: Callable[[], Any], kinds: tuple[type[Exception], ...] = (ClearpropError,)) -> str:
    with pytest.raises(kinds) as caught:
        call()
    assert isinstance(caught.value, ClearpropError)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1500
    return str(caught.value)


def refusal(call: Callable[[], Any]) -> str:
    """The sentence that refuses a call; empty if it does not; anything else is raised."""
    try:
        call()
    except ClearpropError as error:
        return str(error)
    return ""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = load(circle_points(40), seed=0)
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    train(set_up(settings_for(data, epochs=1, engine="batch", patience=None), data)).model.save(path)
    return path


def fields(header: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The place of every entry in a header."""
    found = []
    for key, value in header.items() if isinstance(header, dict) else enumerate(header) if isinstance(header, list) else []:
        found += [(*at, key), *fields(value, (*at, key))]
    return found


def put(header: Any, place: tuple[Any, ...], value: Any) -> None:
    for key in place[:-1]:
        header = header[key]
    header[place[-1]] = value


def take_out(header: Any, place: tuple[Any, ...]) -> None:
    for key in place[:-1]:
        header = header[key]
    del header[place[-1]]


def test_every_entry_of_a_models_header_missing_or_replaced(model: Path, tmp_path: Path) -> None:
    """Either it is refused in one sentence, or the entry did not matter, and the model predicts."""
    header = json.loads(parts(model)[0]["__metadata__"]["header"])
    X = np.zeros((3, 2))
    for k, place in enumerate(fields(header)):
        changes = [lambda h, p=place: take_out(h, p), *(lambda h, p=place, v=v: put(h, p, v) for v in JUNK[k % 3 :: 3])]
        for change in changes:
            path = forge(model, tmp_path / "forged.safetensors", change)
            refused = refusal(lambda path=path: cp.Model.load(path).predict(X))
            assert "\n" not in refused
            assert not refused or "forged.safetensors" in refused, (place, refused)


def test_a_header_that_is_no_dictionary_or_too_deep(model: Path, tmp_path: Path) -> None:
    for text in (NESTED, "[]", "3", "", "NaN", '{"layers": NaN}'):
        outer, body = parts(model)
        outer["__metadata__"]["header"] = text
        said(lambda outer=outer, body=body: cp.Model.load(rewrite(tmp_path / "m.safetensors", outer, body)))


def test_a_model_with_nan_among_its_parameters_is_refused(model: Path, tmp_path: Path) -> None:
    found = cp.Model.load(model)
    found.net.theta[3] = np.nan
    found.save(tmp_path / "nan.safetensors")
    assert "NaN" in said(lambda: cp.Model.load(tmp_path / "nan.safetensors"), (ModelFileError,))


@pytest.mark.parametrize("kind", ["BF16", "I32", "zzz"])
def test_arrays_of_another_kind_are_refused(kind: str, model: Path, tmp_path: Path) -> None:
    outer, body = parts(model)
    for name, entry in outer.items():
        if name != "__metadata__":
            entry["dtype"] = kind
            if kind == "BF16":
                entry["shape"] = [2 * entry["shape"][0]]
    said(lambda: load_arrays(rewrite(tmp_path / "m.safetensors", outer, body), "model"), (ModelFileError,))


def test_a_small_file_that_claims_a_large_net_is_refused_at_once(model: Path, tmp_path: Path) -> None:
    def large(header: dict[str, Any]) -> None:
        header["layers"] = [{"type": "Linear", "n_in": 10**6, "n_out": 10**6}]
        header["order"] = [0]

    def long(header: dict[str, Any]) -> None:
        header["order"] = [0] * 10**6

    for change in (large, long):
        path = forge(model, tmp_path / "large.safetensors", change)
        began = time.perf_counter()
        assert "claim" in said(lambda path=path: cp.Net.load(path), (ModelFileError,))
        assert time.perf_counter() - began < 2


# ---------------------------------------------------------------- checkpoints


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("run") / "run.ckpt"
    net = cp.mlp([2, 3, 2], hidden="tanh", dropout=0.1)
    cp.fit(net, circle_points(), optimizer="adam", epochs=2, batch_size=4, engine="batch",
           callbacks=[cp.EarlyStopping(5, "train_loss"), Checkpoint(path)])  # fmt: skip
    return path


def resume(path: Path) -> Any:
    net = cp.mlp([2, 3, 2], hidden="tanh", dropout=0.1)
    return cp.fit(net, circle_points(), optimizer="adam", epochs=3, batch_size=4, engine="batch", resume=path,
                  callbacks=[cp.EarlyStopping(5, "train_loss")])  # fmt: skip


def test_a_checkpoint_goes_on(checkpoint: Path) -> None:
    assert len(resume(checkpoint)) == 3


def test_every_entry_of_a_checkpoint_missing_or_replaced(checkpoint: Path, tmp_path: Path) -> None:
    header = json.loads(parts(checkpoint)[0]["__metadata__"]["header"])
    places = [place for place in fields(header) if place[:1] != ("rows",)]
    for k, place in enumerate(places):
        changes = [lambda h, p=place: take_out(h, p), *(lambda h, p=place, v=v: put(h, p, v) for v in JUNK[k % 4 :: 4])]
        for change in changes:
            path = forge(checkpoint, tmp_path / "forged.ckpt", change)
            assert "\n" not in refusal(lambda path=path: resume(path)), place


def test_arrays_of_a_checkpoint_missing_or_of_another_length(checkpoint: Path, tmp_path: Path) -> None:
    arrays, header = load_arrays(checkpoint, "checkpoint")
    from clearprop.files import save_arrays

    for name in arrays:
        for changed in (None, np.zeros(1), np.full_like(arrays[name], np.nan)):
            if changed is not None and name.startswith("callback") and len(changed) > 1:
                continue
            forged = {key: array for key, array in arrays.items() if key != name}
            save_arrays(tmp_path / "a.ckpt", forged if changed is None else forged | {name: changed}, "checkpoint", header)
            if not name.startswith("callback"):
                said(lambda: resume(tmp_path / "a.ckpt"), (ModelFileError,))


# ---------------------------------------------------------------- texts


@pytest.mark.parametrize("junk", [NESTED, "[]", "3", "{", b"\xff\xfe\x00", '{"data": 3}', '{"data": {}, "settings": {}}'])
def test_a_configuration_that_is_none(junk: str | bytes, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(junk if isinstance(junk, bytes) else junk.encode())
    assert "config.json" in said(lambda: from_file(path, Configuration({}, {})), (DataError,))


def test_every_entry_of_a_configuration_missing_or_replaced(tmp_path: Path) -> None:
    data = load("circles")
    whole = {
        "data": {"source": "circles", "val": 0.1},
        "settings": settings_for(data, epochs=1).to_json(),
        "checkpoint_every": 3,
    }
    path = tmp_path / "config.json"
    for k, place in enumerate(fields(whole)):
        for value in JUNK[k % 3 :: 3]:
            forged = json.loads(json.dumps(whole))
            put(forged, place, value)
            path.write_text(json.dumps(forged))
            assert "\n" not in refusal(lambda: set_up_from(path)), place


def set_up_from(path: Path) -> None:
    configuration = from_file(path, Configuration({}, {}))
    data = configuration.load()
    set_up(configuration.settle(data), data)


@pytest.mark.parametrize("junk", [b"\xff\xfe", b"[1]\n", NESTED.encode(), b"3\n", b'{"a": 1\n', b"null\n"])
def test_a_history_that_is_none(junk: bytes, tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    path.write_bytes(junk)
    said(lambda: History.from_jsonl(path), (DataError,))
    said(lambda: read_rows(path), (DataError,))


@pytest.mark.parametrize("line", ["3", "[]", "{}", "[3]", "[{}]", '[{"trial": 3}]', NESTED, "null", "zzz"])
def test_a_line_of_the_journal_that_is_no_row(line: str, tmp_path: Path) -> None:
    store = Store(tmp_path / "rows.jsonl")
    store.journal.write_text('[{"trial": "a", "lr": 0.1}]\n' + line + "\n")
    assert "Line 2" in said(store.load, (DataError,))


# ---------------------------------------------------------------- bombs


def test_a_zip_file_that_announces_more_than_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "bomb.npz"
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000, 1000000), }"
    header += b" " * (118 - len(header)) + b"\n"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            "X.npy", np.lib.format.MAGIC_PREFIX + b"\x01\x00" + struct.pack("<H", len(header)) + header + b"\0" * 80
        )
        archive.writestr("y.npy", b"")
    began = time.perf_counter()
    said(lambda: read_npz(path), (DataError,))
    assert time.perf_counter() - began < 2


def test_an_idx_file_that_announces_more_than_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "images"
    path.write_bytes(bytes([0, 0, 8, 3]) + struct.pack(">III", 10**6, 10**4, 10**4) + b"\0" * 100)
    said(lambda: read_idx(path, 3), (DataError, ShortOfMemoryError))


TOO_LARGE: dict[str, Callable[[], Any]] = {
    "hidden": lambda: cp.mlp([2, 10**12, 2]),
    "linear": lambda: cp.Linear(10**6, 10**7),
    "points": lambda: cp.data.make_circles(10**11),
    "steps": lambda: cp.descent.descend("bowl", steps=99999999999),
    "map": lambda: cp.descent.map_basins("bowl", resolution=10**6),
    "seeds": lambda: cp.sweeps.run_sweep(lambda seed, lr: {"loss": lr}, {"lr": [0.1]}, seeds=10**11),
    "draws": lambda: cp.sweeps.expand_grid({"lr": [1, 2]}, 10**12),
    "order": lambda: cp.data.draw_order(0, 10**13, 4),
    "summary": lambda: cp.mlp([2, 2]).summary(10**12),
    "boundary": lambda: cp.plots.boundary(cp.mlp([2, 2]), circle_points(), resolution=10**7),
}


@pytest.mark.parametrize("name", TOO_LARGE)
def test_what_needs_more_memory_than_there_is_is_refused_within_a_second(name: str) -> None:
    began = time.perf_counter()
    message = said(TOO_LARGE[name], (ShortOfMemoryError,))
    assert time.perf_counter() - began < 2
    assert "no memory for" in message
