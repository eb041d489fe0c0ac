"""Record the digests of the functions that the compiled engine stands in for, if it still agrees with them.

    python tests/engines/renew_verified.py

To be run after a deliberate change of one of them (and of the kernel, where it has the formula a second time). It writes the
new digests, runs the table of cases on the compiled engine, and puts the old digests back if one of them fails.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from clearprop.engines.compiled import verified

CASES = Path(__file__).with_name("test_engines_agree.py")


def changed() -> list[str]:
    """Names of the functions whose digest is not the recorded one, and of recorded ones that are gone."""
    recorded, computed = json.loads(verified.DIGESTS.read_text()), verified.computed()
    return sorted(name for name in recorded | computed if recorded.get(name) != computed.get(name))


def renew(agree: Callable[[], bool]) -> bool:
    """Record the digests as they are now, unless the engines do not agree with them."""
    before = verified.DIGESTS.read_text()
    verified.DIGESTS.write_text(json.dumps(verified.computed(), indent=1, sort_keys=True) + "\n")
    if agree():
        return True
    verified.DIGESTS.write_text(before)
    return False


def run_cases() -> bool:
    """The table of cases on the compiled engine, in a process of its own."""
    return (
        subprocess.run([sys.executable, "-m", "pytest", "-q", "-x", str(CASES), "-k", "compiled"], check=False).returncode == 0
    )


if __name__ == "__main__":
    print("Changed:", ", ".join(changed()) or "nothing", flush=True)
    if changed() and not renew(run_cases):
        sys.exit("The compiled engine does not agree with these functions; the recorded digests are left as they were.")
