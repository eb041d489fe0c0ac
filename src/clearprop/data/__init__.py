"""Data: built-in sets and the user's own files, split, scaled and in order.

`load` gives a `Dataset`; `BUILT_IN` lists the names it knows. The `Encoder` of a data set says how raw values became X.
"""

from clearprop.data.batches import draw_order
from clearprop.data.circles import make_circles
from clearprop.data.dataset import Dataset, Split
from clearprop.data.encoder import Encoder
from clearprop.data.loading import load
from clearprop.data.profiling import profile
from clearprop.data.reading import read_examples
from clearprop.data.sources import BUILT_IN

__all__ = ["BUILT_IN", "Dataset", "Encoder", "Split", "draw_order", "load", "make_circles", "profile", "read_examples"]
