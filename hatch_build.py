"""The wheel's build hook: machine code, if `make wheel` has made it, goes into the wheel, which then is for one platform."""

from __future__ import annotations

import os
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FOLDER = "CLEARPROP_MACHINE_CODE"  # environment variable: where `clearprop.engines.compiled.shipping` has written to
INSIDE = "clearprop/engines/compiled/machine_code"


class MachineCode(BuildHookInterface):  # type: ignore[type-arg]
    """Adds the files of `FOLDER`."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name the files, and the platform."""
        found = sorted(Path(os.environ[FOLDER]).glob("*.o")) if FOLDER in os.environ else []
        if found and self.target_name == "wheel" and version == "standard":
            build_data["force_include"] |= {str(path): f"{INSIDE}/{path.name}" for path in found}
            build_data["pure_python"] = False
            build_data["tag"] = f"py3-none-{sysconfig.get_platform().replace('-', '_').replace('.', '_')}"
