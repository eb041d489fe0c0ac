"""The options that commands share: types, help texts, and the panels in which `--help` shows them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from clearprop.cli.declaring import DATA, NETWORK, OUTPUT, TABLE, TRAINING, argument, listed, option
from clearprop.cli.declaring import Json as Json
from clearprop.cli.declaring import Quiet as Quiet
from clearprop.engines import ENGINES
from clearprop.nn import ACTIVATIONS, INITIALISERS, LOSSES
from clearprop.optim import OPTIMIZERS, SCHEDULES

SOURCE = (
    "Built-in data set (circles, synth, digits or mnist); a table (.csv, .tsv, .txt, .data, .json, .xlsx, .arff, .parquet, ...;"
    " - for standard input); a .npz or .mat file; or a folder of IDX files."
)
Source = Annotated[str, argument(SOURCE, "SOURCE")]
OptionalSource = Annotated[str | None, argument(SOURCE, "SOURCE")]
Model = Annotated[Path, argument("Folder written by clearprop train --out, or the model.safetensors in it.", "MODEL")]

Target = Annotated[
    str | None, option(DATA, "Column to predict, by name or by index (0 is the first, -1 the last); several as y1,y2.")
]
Header = Annotated[
    bool | None,
    option(TABLE, "Whether the first row holds column names; detected by default.", "--header/--no-header"),
]
Delimiter = Annotated[
    str | None, option(TABLE, "Character between cells, or tab, blank, comma, semicolon or pipe.", metavar="CHARACTER")
]
Decimal = Annotated[str | None, option(TABLE, "Decimal sign of the numbers: a point or a comma.", metavar="SIGN")]
Encoding = Annotated[str | None, option(TABLE, "Encoding of the text, such as utf-8, latin-1 or utf-16.")]
Skip = Annotated[int | None, option(TABLE, "Lines to leave out before the header.", metavar="N")]
Na = Annotated[str | None, option(TABLE, "Further cells that are missing, such as -999 or none,unknown.", metavar="CELLS")]
Missing = Annotated[
    str | None,
    option(
        TABLE,
        "Missing cells: auto or impute (fill with the median or the most frequent value, and mark), drop (leave out the rows)"
        " or refuse.",
    ),
]
Drop = Annotated[str | None, option(TABLE, "Columns to leave out.", metavar="COLUMNS")]
Only = Annotated[str | None, option(TABLE, "The only columns to learn from.", metavar="COLUMNS")]
Categorical = Annotated[str | None, option(TABLE, "Columns whose numbers are names.", metavar="COLUMNS")]
Id = Annotated[str | None, option(TABLE, "Columns to keep for predictions, but not to learn from.", metavar="COLUMNS")]
Group = Annotated[str | None, option(TABLE, "Column whose equal values stay together in one split.", metavar="COLUMN")]
Time = Annotated[str | None, option(TABLE, "Column to order the rows by: the last are the test set.", metavar="COLUMN")]
Weight = Annotated[str | None, option(TABLE, "Column with the weight of each row in the loss.", metavar="COLUMN")]
TestFile = Annotated[str | None, option(TABLE, "A second table with the rows of the test set.", metavar="FILE")]
ClassWeight = Annotated[str | None, option(DATA, "Weights of the classes in the loss: balanced, so that all count the same.")]
OutlierRule = Annotated[
    str | None,
    option(DATA, "Values of the target far outside the others: auto (clipped in training) or keep.", "--outliers"),
]
Task = Annotated[str | None, option(DATA, "Task: classification or regression; inferred from the target by default.")]
Scale = Annotated[str | None, option(DATA, "Scaling of the inputs: standard (mean 0, variance 1), unit (0 to 1) or none.")]
Val = Annotated[
    str | None, option(DATA, "Size of the validation set: a fraction such as 0.15, or a number of examples.", metavar="SIZE")
]
Test = Annotated[
    str | None, option(DATA, "Size of the test set: a fraction such as 0.15, or a number of examples.", metavar="SIZE")
]
DataDir = Annotated[Path | None, option(DATA, "Folder with the MNIST files; by default $CLEARPROP_DATA, or downloaded.")]

Hidden = Annotated[str | None, option(NETWORK, "Units of each hidden layer, such as 300,100; none for a linear model.")]
ActivationName = Annotated[
    str | None,
    option(
        NETWORK, f"Activation: {listed(*ACTIVATIONS)} or linear; one for all hidden layers, or one for each, such as tanh,relu."
    ),
]
LossName = Annotated[
    str | None,
    option(NETWORK, f"Loss: {listed(*LOSSES)}; for short, {listed(*(a for a in LOSSES.aliases if a != 'ce'))}."),
]
Init = Annotated[str | None, option(NETWORK, f"Initialisation of the weights: {listed(*INITIALISERS)}.")]
Dropout = Annotated[float | None, option(NETWORK, "Dropout rate after each hidden layer.")]
Dtype = Annotated[str | None, option(NETWORK, "Floating-point type: float32 or float64.")]

OptimizerName = Annotated[str | None, option(TRAINING, f"Optimizer: {listed(*OPTIMIZERS)}.")]
Rate = Annotated[float | None, option(TRAINING, "Learning rate; with a schedule, its highest value.")]
Momentum = Annotated[float | None, option(TRAINING, "Momentum of sgd, such as 0.9.")]
Nesterov = Annotated[bool | None, option(TRAINING, "Nesterov momentum.", "--nesterov/--no-nesterov")]
WeightDecay = Annotated[float | None, option(TRAINING, "Strength of the L2 penalty, which is part of the reported loss.")]
ClipNorm = Annotated[float | None, option(TRAINING, "Maximum norm of the gradient; a larger gradient is scaled down to it.")]
ScheduleName = Annotated[str | None, option(TRAINING, f"Learning rate schedule: {listed(*SCHEDULES)}.")]
ScheduleArgs = Annotated[
    list[str] | None,
    option(TRAINING, "Argument of the schedule, such as rise=0.1; may be repeated.", "--schedule-arg", metavar="NAME=NUMBER"),
]
BatchSize = Annotated[str | None, option(TRAINING, "Examples per step; all for the whole training set.", metavar="N")]
Epochs = Annotated[int | None, option(TRAINING, "Passes over the training set.")]
Order = Annotated[str | None, option(TRAINING, "Order of the examples: shuffle, sequential or replacement.")]
Remainder = Annotated[str | None, option(TRAINING, "Last batch of an epoch when it is short: keep or drop.")]
Patience = Annotated[
    str | None,
    option(TRAINING, "Stop after N epochs without a lower validation loss; none to train all epochs.", metavar="N"),
]
EffortName = Annotated[
    str | None,
    option(
        TRAINING,
        "Effort: quick (one network), default (several settings are tried, and the best networks averaged) or thorough; by"
        " default quick for the built-in data sets, for very large tables, and if anything else about the network is given.",
        "--effort",
    ),
]
EngineName = Annotated[
    str | None, option(TRAINING, f"Engine: {listed(*ENGINES)}; by default the fastest that can train the network.")
]
Seed = Annotated[
    int | None, option(TRAINING, "Seed of the split, the initial weights and the order of the examples; 0 by default.")
]

SplitSeed = Annotated[int, option(DATA, "Seed of the split, and of the points of circles.", show_default=True)]

Out = Annotated[
    Path | None,
    option(OUTPUT, "Write the model, history, figures and configuration to this folder at the end.", metavar="DIRECTORY"),
]
Force = Annotated[bool, option(OUTPUT, "Replace an earlier run in that folder.", "--force")]
Config = Annotated[Path | None, option(OUTPUT, "Train as this config.json says; other options override it.", metavar="FILE")]
CheckpointEvery = Annotated[int | None, option(OUTPUT, "With --out: save a checkpoint every N epochs.", metavar="N")]
Resume = Annotated[Path | None, option(OUTPUT, "Continue the run whose checkpoint is in this folder.", metavar="DIRECTORY")]
Report = Annotated[Path | None, option(OUTPUT, "Write a report to this HTML file.", metavar="FILE")]
