"""The processor that code is made for, and LLVM's work: optimise a module, and emit its object code.

Code is made for a level of processors, not for the very model: x86-64-v2, v3 or v4 (their names are those of the x86-64 ABI),
or, elsewhere, this machine's. The same level gives the same code, so that a file that was made on one machine runs on others,
with the same bits.
"""

from __future__ import annotations

import os
from functools import cache
from typing import Any, NamedTuple

from llvmlite import binding, ir


class Processor(NamedTuple):
    """A level of processors.

    Attributes
    ----------
    name, features : str
        As LLVM knows them.
    register_bytes : int
        Size of a vector register.
    has_fma : bool
        Whether it multiplies and adds in one instruction.
    """

    name: str
    features: str
    register_bytes: int
    has_fma: bool


X86_LEVELS = {
    "x86-64-v4": (Processor("x86-64-v4", "", 64, True), ("avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl")),
    "x86-64-v3": (Processor("x86-64-v3", "", 32, True), ("avx2", "bmi2", "fma", "f16c", "movbe")),
    "x86-64-v2": (Processor("x86-64-v2", "", 16, False), ("sse4.2", "popcnt")),
}
"""The levels, the highest first, and features that a processor must have for each, as LLVM names them."""
CHOICE = "CLEARPROP_PROCESSOR"
"""Environment variable that names a level below the machine's own, to make or to try its code."""


@cache
def processor() -> Processor:
    """The level that code is made for: the highest that this machine has, or the one that `CHOICE` names."""
    asked = os.environ.get(CHOICE)
    if asked in X86_LEVELS:
        return X86_LEVELS[asked][0]
    features = binding.get_host_cpu_features()
    for level, needed in X86_LEVELS.values():
        if all(features.get(name) for name in needed):
            return level
    is_x86 = "x86" in binding.get_process_triple()
    return Processor(binding.get_host_cpu_name(), features.flatten(), 16, not is_x86)


@cache
def machine() -> Any:
    """LLVM's description of the processor that code is made for."""
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    made_for = processor()
    return binding.Target.from_triple(binding.get_process_triple()).create_target_machine(
        cpu=made_for.name, features=made_for.features, opt=3, reloc="static", codemodel="jitdefault", jit=True
    )


def new_module(name: str) -> ir.Module:
    """An empty module for this processor."""
    module = ir.Module(name)
    module.triple = binding.get_process_triple()
    module.data_layout = str(machine().target_data)
    return module


def object_code(module: ir.Module) -> bytes:
    """The optimised machine code of a module, as an object file."""
    parsed = binding.parse_assembly(str(module))
    parsed.verify()
    options = binding.create_pipeline_tuning_options(speed_level=3)
    # Whatever is worth a register says so itself (`lanes`); the rest is too short to gain by it.
    options.loop_vectorization = options.slp_vectorization = False
    passes = binding.create_pass_builder(machine(), options)
    passes.getModulePassManager().run(parsed, passes)
    code: bytes = machine().emit_object(parsed)
    return code
