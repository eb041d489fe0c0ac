"""The world of a program that is checked, made tolerant: what is missing is replaced, and what would wait or draw does
nothing.

The program's `import` comes here. It gets stand-ins for numpy, math and random, its own neighbours rewritten as it is
itself, and something that swallows everything in the place of plots and of modules that are not installed.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import importlib
import importlib.util
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from clearprop.gradcheck.tracing import (
    module_standins,
    number_standins,
    optimizers,
    random_standins,
    standins,
    torch_data,
    torch_functional,
)
from clearprop.gradcheck.tracing.data_readers import DataReaders, Downloads, copied
from clearprop.gradcheck.tracing.environments import gym_standin
from clearprop.gradcheck.tracing.invented_data import DataForm, InventedData
from clearprop.gradcheck.tracing.missing_modules import missing_module
from clearprop.gradcheck.tracing.nothing import Nothing
from clearprop.gradcheck.tracing.older_python import as_python_3
from clearprop.gradcheck.tracing.picture_standins import opencv
from clearprop.gradcheck.tracing.rewriting import WATCH, WatchedLoader
from clearprop.gradcheck.tracing.torch_standin import AUTOMATIC, torch_standin
from clearprop.gradcheck.tracing.traced import TRACE
from clearprop.gradcheck.tracing.watch import WATCHED

SILENT: Final = (
    "matplotlib",
    "seaborn",
    "plotly",
    "pylab",
    "IPython",
    "tkinter",
    "wandb",
    "tensorboard",
    "ipywidgets",
    "turtle",
)
RESERVED: Final = ("numpy", "scipy", "torch", "pandas", "sklearn", "clearprop", "matplotlib")


OLD_NAMES: Final = {
    "sklearn.cross_validation": "sklearn.model_selection",
    "sklearn.grid_search": "sklearn.model_selection",
    "sklearn.externals.joblib": "joblib",
    "sklearn.datasets.samples_generator": "sklearn.datasets",
}
"""Modules that have been renamed."""


ABOVE: Final = 2  # folders above the program in which its own modules are looked for


class World:
    """The imports and built-in functions of one program.

    Parameters
    ----------
    folder : Path
        Where the program lies; modules beside it are its own.
    text : str
        Its source: if nothing in it is automatic, torch is replaced.
    form : DataForm
        The form of data that have to be invented.

    Attributes
    ----------
    missing : list of str
        Modules that are not installed.
    files : FileSystem
    """

    def __init__(self, folder: Path, text: str = "", form: DataForm | None = None) -> None:
        self.folder, self.data = folder, InventedData(text, form or DataForm())
        self.readers, downloads = DataReaders(self.data), Downloads(self.data)
        Nothing.invent, Nothing.trees, Nothing.called_back = self.data.named, {}, 0
        WATCHED.called = _named_data
        self.files = module_standins.FileSystem(self.data.form.found)
        self.missing: list[str] = []
        self.modules: dict[str, Any] = {}
        self.makers: dict[str, Callable[[], Any]] = {
            "numpy": self._numpy,
            "pandas": self.readers.pandas,
            "gzip": self.readers.gzip,
            "io": self.readers.io,
            "pickle": self.readers.pickle,
            "_pickle": self.readers.pickle,
            "cPickle": self.readers.pickle,
            "cupy": self._numpy,
            "requests": downloads.requests,
            "urllib.request": downloads.urllib_request,
            "sklearn.datasets": self.readers.sklearn_datasets,
            "math": number_standins.math_standin,
            "random": random_standins.random_standin,
            "scipy.special": standins.scipy_special,
            "scipy.signal": standins.scipy_signal,
            "scipy.optimize": optimizers.optimize_standin,
            "scipy.io": partial(optimizers.io_standin, self.data),
            "time": module_standins.time_standin,
            "argparse": module_standins.argparse_standin,
            "os": self.files.os,
            "pathlib": self.files.pathlib,
            "glob": self.files.glob,
            "json": self.files.json,
            "PIL": self.files.pictures,
            "gym": partial(gym_standin, "gym", text),
            "gymnasium": partial(gym_standin, "gymnasium", text),
            "tqdm": tqdm_standin,
            "cv2": opencv,
        }
        if not AUTOMATIC.search(text):
            self.makers["torch"] = _torch
            self.makers["torchvision"] = partial(torch_data.torchvision_standin, self.data)
        self.builtins = {**vars(builtins), **number_standins.BUILTINS}
        self.builtins |= {
            "__import__": self.import_,
            "input": (answer := Answers().answer),
            "raw_input": answer,
            "xrange": range,
            "open": self.readers.open,
            "display": lambda *a, **k: None,
            "get_ipython": lambda: Nothing(name="ipython"),
            "exit": stop,
            "quit": stop,
            "breakpoint": lambda *a: None,
        }

    def import_(self, name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0) -> Any:
        """The result of `import name` in the program."""
        top = name.split(".")[0]
        if level or self._is_own(top):
            return self._own(name, globals, fromlist, level)
        if top in SILENT:
            return missing_module(name)
        if name in self.makers or (top != "scipy" and top in self.makers):
            try:
                return self._made(name, fromlist)
            except ImportError:
                self.missing.append(top)
                return missing_module(name)
        name = OLD_NAMES.get(name, name)
        try:
            module = importlib.import_module(name)
        except ImportError:
            if name.split(".")[0] not in self.missing:
                self.missing.append(top)
            return missing_module(name if fromlist else top)
        for each in fromlist or ():
            if each not in dir(module):  # from PIL import Image
                with contextlib.suppress(ImportError):
                    importlib.import_module(f"{name}.{each}")
        return self._with_standins(module if fromlist else sys.modules[top], name)

    def _numpy(self) -> ModuleType:
        module = standins.numpy_standin()
        for name in ("loadtxt", "genfromtxt", "load", "fromfile"):
            setattr(module, name, self.readers.of_numpy(getattr(module, name)))
        vars(module)["asnumpy"] = lambda x, *args, **kwargs: x  # of CuPy
        return module

    def _made(self, name: str, fromlist: Any) -> Any:
        top = name.split(".")[0]
        made = name if name in self.makers else top
        if made not in self.modules:
            self.modules[made] = self.makers[made]()
        module = self.modules[made]
        if "." not in name:
            return module
        if not fromlist and made == name:  # import scipy.special
            parent = ModuleType(top)
            setattr(parent, name.split(".")[1], module)
            return parent
        if not fromlist or made == name:
            return module
        for part in name.split(".")[1:]:
            module = getattr(module, part)
        return module

    def _with_standins(self, module: Any, name: str) -> Any:
        """A package some of whose parts have stand-ins."""
        if name == "sklearn":
            parent = copied(module)
            vars(parent)["datasets"] = self._made("sklearn.datasets", ("x",))
            return parent
        if name == "scipy":
            parent = ModuleType("scipy")
            for part in ("special", "signal", "optimize", "io"):
                setattr(parent, part, self._made(f"scipy.{part}", ("x",)))
            return parent
        return module

    def _is_own(self, top: str) -> bool:
        if top in sys.stdlib_module_names or top in RESERVED:
            return False
        return self._base_of(top) is not None

    def _base_of(self, top: str) -> Path | None:
        """The folder in which a module of the program's own lies: beside it, or, if it is not installed, above it."""
        above = list(self.folder.parents)[:ABOVE] if not installed(top) else []
        for base in (self.folder, *above):
            if (base / f"{top}.py").is_file() or ((base / top).is_dir() and any((base / top).glob("*.py"))):
                return base
        return None

    def _own(self, name: str, globals: Any, fromlist: Any, level: int) -> Any:
        """A module beside the program, rewritten as the program is."""
        if level:
            package = (globals or {}).get("__package__") or ""
            name = ".".join(filter(None, [*package.split(".")[: max(len(package.split(".")) - level + 1, 0)], name]))
        module = None
        parts = name.split(".")
        for k in range(1, len(parts) + 1):
            module = self.load(".".join(parts[:k]))
        for each in fromlist or ():
            inner = (self._base_of(parts[0]) or self.folder).joinpath(*parts, f"{each}.py")
            if inner.is_file():
                setattr(module, each, self.load(f"{name}.{each}"))
        return module if fromlist else self.modules[parts[0]]

    def load(self, name: str) -> Any:
        """A module of the program's own folder, by its dotted name."""
        if name in self.modules:
            return self.modules[name]
        place = (self._base_of(name.split(".")[0]) or self.folder).joinpath(*name.split("."))
        path = place / "__init__.py" if (place / "__init__.py").is_file() else place.with_suffix(".py")
        module = ModuleType(name)
        self.modules[name] = module
        module.__package__ = name if place.is_dir() else name.rpartition(".")[0]
        if path.is_file():
            self.run(module, path, as_python_3(path.read_text(errors="replace")))
        if "." in name:
            setattr(self.modules[name.rpartition(".")[0]], name.rpartition(".")[2], module)
        return module

    def run(self, module: ModuleType, path: Path, text: str) -> None:
        """Run the source of a module in it.

        Raises
        ------
        SyntaxError
        """
        loader = WatchedLoader(module.__name__, str(path))
        loader.given = text
        TRACE.files.add(str(path))
        Nothing.trees[str(path)] = ast.parse(text)
        vars(module).update({"__builtins__": self.builtins, WATCH: WATCHED, "__file__": str(path)})
        sys.modules[module.__name__] = module
        loader.exec_module(module)


def _named_data(name: str, thing: Any) -> Any:
    """Invented data under a name, where a thing stands for data that could not be read."""
    return thing.named_data(name) if isinstance(thing, Nothing) and thing.gives_data() else thing


def installed(name: str) -> bool:
    """Whether a module can be imported that is none of the program's."""
    try:
        return importlib.util.find_spec(name) is not None
    except ValueError:  # one of the program's, which was loaded before
        return False


class Answers:
    """Answers to what a program asks for: a small number, which is what is mostly wanted; in the end there is no more input.

    Attributes
    ----------
    given : int
        Answers so far.
    """

    MOST = 20

    def __init__(self) -> None:
        self.given = 0

    def answer(self, prompt: Any = "") -> str:
        """The result of input().

        Raises
        ------
        EOFError
            After many answers: a loop that asks for ever ends.
        """
        TRACE.note("It asks for input; it was answered with 3.")
        self.given += 1
        if self.given > self.MOST:
            raise EOFError
        return "3"


def stop(code: Any = 0) -> None:
    """exit() and quit()."""
    raise SystemExit(code)


class ProgressBar:
    """A progress bar, which is its items."""

    def __init__(self, items: Any = None, *args: Any, **kwargs: Any) -> None:
        self.items = items if items is not None else ()

    def __iter__(self) -> Any:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(self, *failure: Any) -> None:
        pass

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Show nothing."""

    set_description = set_description_str = set_postfix = set_postfix_str = write = refresh = close = reset = clear = update


def _torch() -> ModuleType:
    module: Any = torch_standin()
    module.utils = torch_data.torch_utils()
    torch_functional.complete(module)
    return module


def tqdm_standin() -> ModuleType:
    """The module tqdm."""
    module: Any = ModuleType("tqdm")
    for name in ("tqdm", "tqdm_notebook"):
        setattr(module, name, ProgressBar)
    module.trange = lambda *args, **kwargs: ProgressBar(range(*args))
    for name in ("auto", "notebook"):
        setattr(module, name, module)
    return module
