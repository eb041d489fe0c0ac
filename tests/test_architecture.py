"""Imports run downward only, importing is light, and the house's own rules hold everywhere."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "clearprop"

# Top to bottom. A module may import from its own floor and from those below.
FLOORS = [
    {"cli", "laboratory", "report", "estimator", "__main__", "__init__"},
    {"recipes", "sweeps", "studies", "descent", "doctor", "ladder"},
    {"training", "export", "metrics"},
    {"walkthrough", "gradcheck", "engines", "optim", "nn"},
    {"data", "plots", "files", "registry", "lazy_registry", "arguments", "rules", "headroom", "ownership", "arrays", "errors"},
]
HEAVY = ("torch", "matplotlib", "llvmlite", "pandas", "sklearn", "scipy", "safetensors", "pooch", "rich", "typer")


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def part(path: Path) -> str:
    """The module or package directly under clearprop that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def floor(name: str) -> int:
    found = [i for i, names in enumerate(FLOORS) if name in names]
    assert found, f"{name} has no floor: give it one in FLOORS"
    return found[0]


def imported_parts(source: str) -> set[str]:
    """Parts of clearprop that a source imports at run time (imports for type checkers aside)."""
    found = set()
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            node.body = []
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            whole = node.module == "clearprop"
            names = [f"clearprop.{alias.name}" for alias in node.names] if whole else [node.module]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        found |= {name.split(".")[1] for name in names if name.startswith("clearprop.")}
    return found


def upward(path: Path, source: str) -> list[str]:
    here = floor(part(path))
    return [name for name in imported_parts(source) if _floor_or_public(name) < here]


def _floor_or_public(name: str) -> int:
    known = set().union(*FLOORS)
    return floor(name) if name in known else 0  # `from clearprop import fit` goes through the public face


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_run_downward(path: Path) -> None:
    assert upward(path, path.read_text()) == []


def test_the_import_test_catches_an_upward_import() -> None:
    planted = "from clearprop.training.loop import fit\n"
    assert upward(PACKAGE / "nn" / "net.py", planted) == ["training"]
    assert upward(PACKAGE / "data" / "idx.py", "import clearprop.nn\n") == ["nn"]


# ---------------------------------------------------------------- no circles


def dotted(path: Path) -> str:
    """clearprop.nn.net for nn/net.py; the package itself for an __init__."""
    return ".".join(("clearprop", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")


def imported_files(source: str, known: set[str]) -> set[str]:
    """Files that a source imports, wherever in it, for type checkers too."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            found |= {name if name in known else node.module for name in names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found & known


def circles(imports: dict[str, set[str]]) -> list[list[str]]:
    """Groups of files each of which reaches all the others by imports (the strongly connected components)."""
    reach = {name: set(others) - {name} for name, others in imports.items()}
    for middle in reach:  # Warshall: paths through one file after the other
        for others in reach.values():
            if middle in others:
                others |= reach[middle]
    groups = {tuple(sorted(other for other in reach[name] if name in reach[other])) for name in reach if name in reach[name]}
    return [list(group) for group in sorted(groups)]


def test_no_two_files_import_each_other() -> None:
    known = {dotted(path) for path in modules()}
    imports = {dotted(path): imported_files(path.read_text(), known) for path in modules()}
    # A package's __init__ only hands on names, so what imports the package is taken to import those files.
    assert circles(imports) == []


def test_the_circle_test_catches_one() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]
    assert imported_files("def f():\n    from clearprop.nn.net import Net\n", {"clearprop.nn.net"}) == {"clearprop.nn.net"}


# ---------------------------------------------------------------- one word, one thing

SAME_PART = {"__init__.py", *(path.name for path in (PACKAGE / "cli").glob("*.py"))}
"""A command's file bears the name of the part of the library that it calls."""


def test_no_two_classes_share_a_name() -> None:
    places: dict[str, list[str]] = {}
    for path in modules():
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name, []).append(dotted(path))
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


def test_no_two_files_share_a_name() -> None:
    places: dict[str, list[str]] = {}
    for path in modules():
        if path.name not in SAME_PART:
            places.setdefault(path.name, []).append(dotted(path))
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


def test_every_floor_names_what_is_there() -> None:
    there = {part(path) for path in modules()}
    assert set().union(*FLOORS) == there


DANGLING = re.compile(
    r"^\s*(From (which|what)|Of (which|what)|With (which|what)|By (which|what)|In (which|what)|For (which|what)|To (which|what)"
    r"|On (which|what)|Whose|Whom|Which|What|How (many|much|far|long|often))\b"
)
"""Openings that leave a description hanging: "From which the parameters are drawn" for "Seed for the initialisation"."""


def dangling(source: str) -> list[str]:
    """Lines of docstrings that open with a dangling relative."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
            found += [line.strip() for line in (ast.get_docstring(node) or "").splitlines() if DANGLING.match(line)]
    return found


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_docstrings_open_with_a_noun_or_a_verb(path: Path) -> None:
    assert dangling(path.read_text()) == []


def test_the_voice_test_catches_one() -> None:
    assert dangling('def f(seed):\n    """Draw.\n\n    seed : int\n        From which all is drawn.\n    """\n')


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_house_rules(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree), "every module opens with a paragraph"
    calls = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert not calls & {"eval", "exec", "hasattr"}, "no eval, exec or hasattr dispatch"
    defined = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    # Of modules, only public faces have one, whose names are imported when they are first used: the package's, and that of the
    # checks, through which a command passes that has a program checked in another process, and needs none of them itself.
    assert "__getattr__" not in defined or path in (PACKAGE / "__init__.py", PACKAGE / "gradcheck" / "__init__.py")
    imports = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert "pickle" not in imports


def test_no_module_bears_the_name_of_a_public_function() -> None:
    import clearprop as cp

    functions = {name for name in cp.__all__ if callable(getattr(cp, name)) and not isinstance(getattr(cp, name), type)}
    modules_ = {path.stem for path in modules() if part(path) != "cli"}  # cli/check.py is clearprop.cli.check, never cp.check
    assert not functions & modules_


def test_the_public_face_says_the_same_three_times() -> None:
    """In the imports for type checkers, in `__all__`, and in the table that is used."""
    import clearprop as cp

    blocks = [node for node in ast.parse((PACKAGE / "__init__.py").read_text()).body if isinstance(node, ast.If)]
    imports = [node for block in blocks for node in block.body if isinstance(node, ast.ImportFrom)]
    homes = {alias.name: node.module for node in imports for alias in node.names}
    modules_ = {name for name, home in homes.items() if home == "clearprop"}
    assert sorted(homes) == sorted(cp.__all__)
    assert {name: home for name, home in homes.items() if home != "clearprop"} == {
        name: home for home, names in cp.HOMES.items() for name in names.split()
    }
    assert modules_ <= set(cp.SUBPACKAGES.split())
    parts = {part(path) for path in modules()} - {"__init__", "__main__", "cli", "lazy_registry"}
    assert set(cp.SUBPACKAGES.split()) == parts
    assert set(cp.__all__) <= set(dir(cp))
    with pytest.raises(AttributeError, match="'clearprop' has no attribute 'fitt'"):
        _ = cp.fitt


def test_public_names_exist_and_are_documented() -> None:
    import clearprop as cp

    for name in cp.__all__:
        assert getattr(cp, name).__doc__, name


REPLACING = """
from functools import wraps
from clearprop.{module} import {name}
old = {name}.{method}

@wraps(old)
def mine(*given, **named):
    return old(*given, **named)

{name}.{method} = mine
from clearprop import CrossEntropy, SGD, mlp
from clearprop.engines import unverified
print(unverified(*(net := mlp([2, 3, 2], hidden="tanh")).layers, net, CrossEntropy(), SGD()))
"""


@pytest.mark.parametrize(
    ("module", "name", "method"),
    [
        ("nn", "Linear", "backward"),
        ("nn.linear", "Linear", "forward"),
        ("optim", "SGD", "step"),
        ("optim.sgd", "SGD", "update"),
    ],
)
def test_a_function_that_is_replaced_before_anything_else_is_imported_is_noticed(module: str, name: str, method: str) -> None:
    code = REPLACING.format(module=module, name=name, method=method)
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == f"{name}.{method} is not the one that it was verified against (it was replaced).\n"


def test_importing_clearprop_imports_nothing_heavy() -> None:
    code = f"import clearprop, sys; print([m for m in {HEAVY!r} if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


# ---------------------------------------------------------------- errors


def test_an_error_of_ours_drags_no_cause_behind_it() -> None:
    """`from None`: the message says what was wrong, and eighty lines of another traceback above it would hide that."""
    found = []
    for path in modules():
        if part(path) == "gradcheck" or "compiled" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Raise) and isinstance(node.cause, ast.Name) and "Error(" in ast.unparse(node):
                found.append(f"{dotted(path)}:{node.lineno}")
    assert found == []
