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

Each rung is a file (`compiled`, a package), with the same names in the same order, to be read beside its neighbours.

`batch` is the reference: it calls the methods of the layers, the loss and the optimizer as they stand, so that an edit, a
subclass or a layer of one's own takes effect there. `compiled` stands in for these methods, and runs only while they are the
ones that it was verified against; `fit` uses it by default, and otherwise `batch`. The other rungs are chosen by name. They
have formulas of their own, and take little from the classes: `sample` the optimizer's `step`; `scalar`, `torch_manual` and
`torch_autograd` its learning rate and constants; `torch_nn` its learning rate; all of them the loss's `n_correct`.
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
