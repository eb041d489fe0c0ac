"""Data: built-in sets and the user's own files, split, scaled and in order.

`load` gives a `Dataset`; `BUILT_IN` lists the names it knows. The `Encoder` of a data set holds the encoding of raw values
as X.
"""

from clearprop.data.batches import draw_order
from clearprop.data.built_in import BUILT_IN, make_circles
from clearprop.data.dataset import Dataset, Split, profile
from clearprop.data.encoder import Encoder
from clearprop.data.loading import load, read_examples, read_rows
from clearprop.data.new_rows import NewRows
from clearprop.data.table_options import TableOptions

__all__ = [
    "BUILT_IN",
    "Dataset",
    "Encoder",
    "NewRows",
    "Split",
    "TableOptions",
    "draw_order",
    "load",
    "make_circles",
    "profile",
    "read_examples",
    "read_rows",
]
