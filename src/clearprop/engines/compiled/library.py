"""The library of machine code: each unit is looked up among those that came with the package, then among those that were kept
on this machine, and else compiled and kept.

A file is found by what is in it: its name holds a digest of the sources, the processor's level and the dtype, so that every
environment and checkout with the same sources shares it. Its first bytes are a checksum; a file that is cut off or altered is
thrown away, and made again.
"""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import llvmlite
from llvmlite import binding

from clearprop.engines.compilations import COMPILATIONS
from clearprop.engines.compiled.compiler.processor import new_module, object_code, processor
from clearprop.engines.compiled.lanes import INTERPRETED
from clearprop.engines.compiled.linkage import export, number_of
from clearprop.engines.compiled.units import Unit

SHIPPED = Path(__file__).parent / "machine_code"
"""Folder of the units that a wheel holds."""
CHECKSUM = 32  # bytes
OUTSIDE = ("__init__.py", "compiled_engine.py", "library.py", "verified.py", "session.py", "shipping.py", "team.py")
"""Files of this package that no part of the kernel stands in."""


LOG = logging.getLogger("clearprop")
LOADED: dict[tuple[Unit, str], tuple[int, ...]] = {}
"""Addresses of the functions of the units that this process has loaded."""


def address(unit: Unit, dtype: str, k: int = 0) -> int:
    """Address of function k of a unit; interpreted, the number by which it is found."""
    return number_of(unit.functions[k]) if INTERPRETED else _addresses(unit, dtype)[k]


def _addresses(unit: Unit, dtype: str) -> tuple[int, ...]:
    """Addresses of the functions of a unit, which is loaded if it was not."""
    if (unit, dtype) not in LOADED:
        with COMPILATIONS.alone():
            if (unit, dtype) not in LOADED:  # no other thread was faster
                LOADED[unit, dtype] = load(unit, dtype)
    return LOADED[unit, dtype]


def load(unit: Unit, dtype: str) -> tuple[int, ...]:
    """Load a unit, which is looked up or compiled; returns where its functions lie."""
    name = file_name(unit, dtype)
    code = read(SHIPPED / name) or read(cache_folder() / f"{llvmlite.__version__}-{name}") or compiled(unit, dtype)
    engine = execution_engine()
    engine.add_object_file(binding.ObjectFileRef.from_data(code))
    engine.finalize_object()
    return tuple(engine.get_function_address(symbol(unit, dtype, k)) for k in range(len(unit.functions)))


def compiled(unit: Unit, dtype: str) -> bytes:
    """Compile a unit, and keep it."""
    kept = "once for this machine" if _writable() else f"for this process only, since {cache_folder()} cannot be written"
    with COMPILATIONS.one(f"Compiling the kernel, {kept} ..."):
        code = code_of(unit, dtype)
    write(cache_folder() / f"{llvmlite.__version__}-{file_name(unit, dtype)}", code)
    return code


def code_of(unit: Unit, dtype: str) -> bytes:
    """The machine code of a unit, as an object file."""
    module = new_module(f"{dtype} {unit.name}")
    for k, function in enumerate(unit.functions):
        first = unit.functions.index(function)
        if first == k:
            export(module, function, symbol(unit, dtype, k), dtype)
    return object_code(module)


def symbol(unit: Unit, dtype: str, k: int) -> str:
    """Name of function k of a unit in its object file."""
    return f"clearprop_{digest(unit, dtype)}_{unit.functions.index(unit.functions[k])}"


def file_name(unit: Unit, dtype: str) -> str:
    """Name of the file of a unit."""
    return f"{unit.name}-{dtype}-{processor().name}-{digest(unit, dtype)}.o"


@cache
def digest(unit: Unit, dtype: str) -> str:
    """Digest of all on which the code of a unit depends, but for the version of the compiler."""
    given = (source_digest(), processor(), binding.get_process_triple(), unit.name, dtype, unit.source)
    return hashlib.sha256(repr(given).encode()).hexdigest()[:16]


@cache
def source_digest() -> str:
    """Digest of the sources of the kernel and of its compiler."""
    here = Path(__file__).parent
    found = hashlib.sha256()
    for path in sorted([*here.glob("*.py"), *(here / "compiler").glob("*.py")]):
        if path.name not in OUTSIDE:
            found.update(path.name.encode() + path.read_bytes().replace(b"\r\n", b"\n"))
    return found.hexdigest()


@cache
def cache_folder() -> Path:
    """Folder in which the units of this user are kept."""
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("clearprop")) / "kernels"


@cache
def _writable() -> bool:
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


def read(path: Path) -> bytes | None:
    """The machine code in a file; None if there is no such file, or if it is damaged."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    if hashlib.sha256(content[CHECKSUM:]).digest() == content[:CHECKSUM]:
        return content[CHECKSUM:]
    LOG.warning(f"{path} is damaged; it is made again.")
    with suppress(OSError):
        path.unlink()
    return None


def write(path: Path, code: bytes) -> None:
    """Keep machine code in a file, all of it or nothing; where that is not possible, do without."""
    with suppress(OSError):
        handle, temporary = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(hashlib.sha256(code).digest() + code)
        os.replace(temporary, path)


@cache
def execution_engine() -> Any:
    """The loader of object files into this process."""
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    target = binding.Target.from_triple(binding.get_process_triple())
    machine = target.create_target_machine(opt=3, reloc="static", codemodel="jitdefault", jit=True)
    return binding.create_mcjit_compiler(binding.parse_assembly(""), machine)
