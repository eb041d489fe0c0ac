"""Engines: one net, many ways to run it, the same numbers. The ladder, from the lowest rung to the highest:

============== ======================================= ==================== ===================== ===================
engine         numbers                                 at a time            derivatives           optimizer
============== ======================================= ==================== ===================== ===================
scalar         Python's floats, in lists               one example          by hand               by hand, in a loop
sample         NumPy vectors                           one example          by hand               clearprop's
batch          NumPy matrices                          a batch              by hand, the layers'  clearprop's
compiled       machine code                            a batch              by hand               clearprop's
torch_manual   tensors                                 a batch              by hand               by hand
torch_autograd tensors                                 a batch              PyTorch's             by hand
torch_nn       modules of tensors                      a batch              PyTorch's             PyTorch's
============== ======================================= ==================== ===================== ===================

Each is one file, with the same names in the same order, to be read beside its neighbours. `batch` is the reference.
"""

from clearprop.engines.batch import Batch
from clearprop.engines.compiled.verified import unverified as unverified  # now, before anybody can have replaced anything
from clearprop.engines.engine import Device, Engine, Steps
from clearprop.engines.engine_registry import EngineRegistry

ENGINES = EngineRegistry(
    {
        "scalar": "clearprop.engines.scalar:Scalar",
        "sample": "clearprop.engines.sample:Sample",
        "batch": "clearprop.engines.batch:Batch",
        "compiled": "clearprop.engines.compiled.compiled_engine:Compiled",
        "torch_manual": "clearprop.engines.torch_manual:TorchManual",
        "torch_autograd": "clearprop.engines.torch_autograd:TorchAutograd",
        "torch_nn": "clearprop.engines.torch_nn:TorchNN",
    }
)

__all__ = ["ENGINES", "Batch", "Device", "Engine", "EngineRegistry", "Steps"]
