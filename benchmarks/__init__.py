"""Speed and memory of clearprop beside its peers: `make bench`, or `python -m benchmarks [--quick]`.

Read `workloads.py`, then a file of `peers` (one training loop for each library) and of `to_98` (the same, as a whole program).
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "tests"))  # for `support`, which tests and benchmarks share
