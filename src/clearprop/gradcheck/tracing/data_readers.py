"""Readers of files that never fail: of NumPy, pandas, gzip, pickle and scikit-learn, and `open`."""

from __future__ import annotations

import builtins
import gzip
import importlib
import io
import re
from collections.abc import Callable
from contextlib import suppress
from types import ModuleType, SimpleNamespace
from typing import Any, Final

import numpy as np

from clearprop.gradcheck.tracing.invented_data import InventedData
from clearprop.gradcheck.tracing.nothing import Nothing
from clearprop.gradcheck.tracing.traced import TRACE, plain
from clearprop.gradcheck.tracing.wrappers import leaf

TARGET: Final = re.compile(r"y(?![a-z])|.*(label|target|class)", re.IGNORECASE)
DIGITS: Final = re.compile(r"mnist[\w-]*(\.\w+)?\.gz\.read", re.IGNORECASE)
"""A pickled file of three pairs of pictures and classes, as a tutorial of Theano's first spread it."""
PICTURES: Final = re.compile(r"ubyte|idx[13]", re.IGNORECASE)


class DataReaders:
    """The functions that read files, for one program.

    Parameters
    ----------
    data : InventedData
    """

    def __init__(self, data: InventedData) -> None:
        self.data = data

    def of_numpy(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """A reader of NumPy's."""

        def read(*args: Any, **kwargs: Any) -> Any:
            if args and isinstance(args[0], io.BytesIO) and function.__name__ == "fromfile":
                return frombuffer(args[0], *args[1:], **kwargs)
            try:
                return function(*args, **kwargs)
            except OSError:
                name = str(args[0]).rsplit("/", 1)[-1] if args else ""
                if function.__name__ == "load" and name.endswith(".npz"):
                    return Archive(name, self.data)
                return leaf(self.data.table() * 1.0, "data")

        return read

    def open(self, file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        """The built-in open; a file that is not there has invented contents."""
        try:
            return builtins.open(file, mode, *args, **kwargs)
        except OSError as error:
            if "r" in mode and not isinstance(error, FileNotFoundError):
                raise
            name = str(file).rsplit("/", 1)[-1]
            if "r" not in mode:  # in a folder that is not there, or that is not to be written in: nobody reads it
                return io.BytesIO() if "b" in mode else io.StringIO()
            if "b" not in mode:
                return io.StringIO(self.data.text(name))
            return io.BytesIO(self.data.idx(name)) if PICTURES.search(name) else Nothing(name=f"{name}.read()")

    def pandas(self) -> ModuleType:
        """The module pandas.

        Raises
        ------
        ImportError
            If it is not installed.
        """
        true = importlib.import_module("pandas")
        module = copied(true)

        def read_csv(*args: Any, **kwargs: Any) -> Any:
            try:
                if args and isinstance(args[0], Nothing):  # a file that was to be uploaded
                    raise FileNotFoundError
                return true.read_csv(*args, **kwargs)
            except OSError:
                columns = self._columns(kwargs)
                return true.DataFrame(self.data.table(len(columns)), columns=columns)

        for name in ("read_csv", "read_table", "read_excel"):
            setattr(module, name, read_csv)
        for kind in (true.DataFrame, true.Series):
            _plain_keys(kind)
        _translated_codes(true.Series)
        return module

    def io(self) -> ModuleType:
        """The module io, whose files hold what could not be read, too."""
        module: Any = copied(io)
        for name in ("BytesIO", "StringIO"):
            kind = getattr(io, name)
            setattr(module, name, _opened(kind))
        return module

    def _columns(self, kwargs: dict[str, Any]) -> list[Any]:
        """The names of the columns of a table that pandas was asked to read."""
        width, names = self.data.width, self.data.form.names
        own = kwargs.get("names")
        if own is not None and len(own):
            return list(own)
        if kwargs.get("header", "infer") is None:
            return list(range(width))
        return ["label", *(f"column{k}" for k in range(1, width - len(names))), *names][:width]

    def gzip(self) -> ModuleType:
        """The module gzip."""
        module: Any = copied(gzip)

        def open(file: Any, mode: str = "rb", *args: Any, **kwargs: Any) -> Any:
            try:
                return gzip.open(file, mode, *args, **kwargs)
            except OSError:
                name = str(file).rsplit("/", 1)[-1]
                return io.BytesIO(self.data.idx(name)) if PICTURES.search(name) else Nothing(name=f"{name}.read()")

        module.open = module.GzipFile = open
        return module

    def pickle(self) -> ModuleType:
        """The module pickle."""
        true = importlib.import_module("pickle")  # the person's program may; clearprop itself never does
        module: Any = copied(true)
        module.load = lambda file, *a, **k: self.unpickled(file) if isinstance(file, Nothing) else true.load(file, *a, **k)
        module.loads = lambda text, *a, **k: text if isinstance(text, Nothing) else true.loads(text, *a, **k)
        return module

    def unpickled(self, file: Nothing) -> Any:
        """The contents of a pickled file that is not there; itself where nothing is known of them."""
        name = file._extract_mock_name()
        return self.data.digits(name.split(".read")[0]) if DIGITS.match(name) else file

    def sklearn_datasets(self) -> ModuleType:
        """The module sklearn.datasets, whose downloads are invented.

        Raises
        ------
        ImportError
            If it is not installed.
        """
        true, module = importlib.import_module("sklearn"), copied(importlib.import_module("sklearn.datasets"))

        def fetch(name: str = "", *args: Any, return_X_y: bool = False, **kwargs: Any) -> Any:
            X = self.data.named("X", f"{name}.fetch()").reshape(self.data.rows, -1)
            y = self.data.named("Y", f"{name}.fetch()")
            return (X, y) if return_X_y else true.utils.Bunch(data=X, target=y)

        for each in ("fetch_openml", "fetch_mldata"):
            setattr(module, each, fetch)
        return module


class Archive(dict[str, Any]):
    """An archive of NumPy's that is not there: whatever is asked of it is invented, targets for names like y and label.

    Parameters
    ----------
    name : str
        The file.
    data : InventedData
    """

    def __init__(self, name: str, data: InventedData) -> None:
        super().__init__()
        self.name, self.data = name, data

    def __missing__(self, key: str) -> Any:
        role = "Y" if TARGET.match(key) else "X"
        self[key] = self.data.named(role, f"{self.name}[{key!r}]")
        return self[key]

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *failure: object) -> None:
        self.clear()

    @property
    def files(self) -> list[str]:
        """The names that archives of a training set usually have."""
        return ["x_train", "y_train", "x_test", "y_test"]

    def close(self) -> None:
        """Nothing is open."""


class Downloads:
    """Contents of web addresses, invented: there is no network.

    Parameters
    ----------
    data : InventedData
    """

    def __init__(self, data: InventedData) -> None:
        self.data = data

    def content(self, address: Any) -> bytes:
        """The bytes that stand at an address: pictures or labels in the format of MNIST, else a table or lines of text."""
        address = str(getattr(address, "full_url", address))
        name = address.rsplit("/", 1)[-1]
        found = self.data.idx(name) if PICTURES.search(name) else self.data.text(name).encode()
        return gzip.compress(found) if name.endswith(".gz") else found

    def requests(self) -> ModuleType:
        """The module requests."""
        module: Any = ModuleType("requests")

        def get(url: Any, *args: Any, **kwargs: Any) -> Any:
            content = self.content(url)
            return SimpleNamespace(
                content=content, text=content.decode("latin-1"), status_code=200, ok=True, raise_for_status=lambda: None,
                iter_content=lambda *a, **k: iter([content]), raw=io.BytesIO(content), headers={},
            )  # fmt: skip

        module.get = get
        return module

    def urllib_request(self) -> ModuleType:
        """The module urllib.request."""
        module: Any = copied(importlib.import_module("urllib.request"))

        def retrieve(url: Any, filename: Any = "download", *args: Any, **kwargs: Any) -> Any:
            with suppress(OSError), builtins.open(filename, "wb") as file:
                file.write(self.content(url))
            return filename, None

        module.urlretrieve, module.urlopen = retrieve, lambda url, *a, **k: io.BytesIO(self.content(url))
        return module


_PLAIN: list[Any] = []
"""Kinds of tables whose keys are plain already."""


def _plain_keys(kind: Any) -> None:
    """Let tables take arrays that are watched for keys: df[mask]."""
    if kind not in _PLAIN:
        _PLAIN.append(kind)
        own = kind.__getitem__
        kind.__getitem__ = lambda self, key: own(self, plain(key))


def _opened(kind: Any) -> Callable[..., Any]:
    """io.BytesIO and the like, which hand on what could not be read."""
    return lambda *given: given[0] if given and isinstance(given[0], Nothing) else kind(*given)


def _translated_codes(kind: Any) -> None:
    """Let names of classes be translated though they were invented: df["class"].map({"a": 0, "b": 1})."""
    if ("map", kind) not in _PLAIN:
        _PLAIN.append(("map", kind))
        for name in ("map", "replace"):
            own = getattr(kind, name)

            def translated(self: Any, given: Any = None, *args: Any, own: Any = own, **kwargs: Any) -> Any:
                found = own(self, given, *args, **kwargs)
                if not TRACE.invented or not isinstance(given, dict) or not given or self.isin(list(given)).any():
                    return found
                codes = list(given.values())
                return kind([codes[k % len(codes)] for k in range(len(self))], index=self.index)

            setattr(kind, name, translated)


def frombuffer(file: io.BytesIO, dtype: Any = float, count: int = -1, *args: Any, **kwargs: Any) -> Any:
    """np.fromfile for what stands in the place of a file."""
    dtype = np.dtype(plain(dtype))
    data = file.read(dtype.itemsize * count if count >= 0 else -1)
    return leaf(np.frombuffer(data[: len(data) - len(data) % dtype.itemsize], dtype).copy(), "data")


def copied(module: ModuleType) -> ModuleType:
    """A module with the same contents, some of which can then be replaced."""
    made = ModuleType(module.__name__)
    for name in dir(module):
        setattr(made, name, getattr(module, name))
    return made
