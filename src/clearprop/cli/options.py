"""The options of `clearprop train`: how each is written, and where the help shows it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from clearprop.engines import ENGINES
from clearprop.errors import OptionError
from clearprop.nn import ACTIVATIONS, INITIALISERS, LOSSES
from clearprop.optim import OPTIMIZERS, SCHEDULES

DATA, NETWORK, TRAINING, OUTPUT = "Data", "Network", "Training", "Output"


def listed(*names: str) -> str:
    """Names as they are typed: with hyphens."""
    return ", ".join(name.replace("_", "-") for name in names)


def option(panel: str, text: str, *flags: str, metavar: str | None = None) -> Any:
    """An option in a panel of the help."""
    return typer.Option(*flags, help=text, rich_help_panel=panel, metavar=metavar, show_default=False)


Source = Annotated[
    str | None,
    typer.Argument(
        help="circles, synth, digits, mnist; a .csv, .tsv, .parquet, .npz or .mat file; or a folder of IDX files.",
        metavar="SOURCE",
        show_default=False,
    ),
]
Target = Annotated[str | None, option(DATA, "Column to predict, by name or number (0 is the first, -1 the last).")]
Header = Annotated[bool | None, option(DATA, "Whether the first row of a table holds names.", "--header/--no-header")]
Task = Annotated[str | None, option(DATA, "classification or regression; otherwise told from the target.")]
Scale = Annotated[str | None, option(DATA, "standard, unit or none.")]
Val = Annotated[str | None, option(DATA, "Validation examples: a share such as 0.15, or how many.", metavar="SHARE")]
Test = Annotated[str | None, option(DATA, "Test examples: a share such as 0.15, or how many.", metavar="SHARE")]
DataDir = Annotated[Path | None, option(DATA, "Folder with the files of mnist (or set CLEARPROP_DATA).")]

Hidden = Annotated[str | None, option(NETWORK, "Units of the hidden layers, such as 300,100; none for no such layer.")]
ActivationName = Annotated[
    str | None, option(NETWORK, f"{listed(*ACTIVATIONS)} or linear; one for all hidden layers, or one for each: tanh,relu.")
]
LossName = Annotated[
    str | None, option(NETWORK, f"{listed(*LOSSES)}; short: {listed(*(a for a in LOSSES.aliases if a != 'ce'))}.")
]
Init = Annotated[str | None, option(NETWORK, f"First weights: {listed(*INITIALISERS)}.")]
Dropout = Annotated[float | None, option(NETWORK, "Share of hidden units switched off at random while training.")]
Dtype = Annotated[str | None, option(NETWORK, "float32 or float64.")]

OptimizerName = Annotated[str | None, option(TRAINING, f"{listed(*OPTIMIZERS)}.")]
Rate = Annotated[float | None, option(TRAINING, "Learning rate; the highest one, where a schedule changes it.")]
Momentum = Annotated[float | None, option(TRAINING, "Momentum of sgd, such as 0.9.")]
Nesterov = Annotated[bool | None, option(TRAINING, "Nesterov's form of momentum.", "--nesterov/--no-nesterov")]
WeightDecay = Annotated[float | None, option(TRAINING, "Strength of L2 regularisation; part of the reported loss.")]
ClipNorm = Annotated[float | None, option(TRAINING, "Largest length of the gradient; longer ones are shortened.")]
ScheduleName = Annotated[str | None, option(TRAINING, f"Learning rate over time: {listed(*SCHEDULES)}.")]
ScheduleArgs = Annotated[
    list[str] | None,
    option(TRAINING, "Change a schedule, as in rise=0.1; may be repeated.", "--schedule-arg", metavar="KEY=VALUE"),
]
BatchSize = Annotated[str | None, option(TRAINING, "Examples per step; all for the whole training set.", metavar="N")]
Epochs = Annotated[int | None, option(TRAINING, "Passes over the training set.")]
Order = Annotated[str | None, option(TRAINING, "shuffle, sequential or replacement.")]
Remainder = Annotated[str | None, option(TRAINING, "keep or drop the last batch of an epoch, if it is short.")]
Patience = Annotated[
    str | None, option(TRAINING, "Stop after so many epochs without a better validation loss; none for never.", metavar="N")
]
EngineName = Annotated[str | None, option(TRAINING, f"What does the computing: {listed(*ENGINES)}.")]
Seed = Annotated[int | None, option(TRAINING, "For the split, the first weights and the order of the examples. Default: 0.")]

Out = Annotated[Path | None, option(OUTPUT, "Folder for the model, the figures and the configuration; made at the end.")]
Force = Annotated[bool, option(OUTPUT, "Replace an earlier run in that folder.", "--force")]
Config = Annotated[Path | None, option(OUTPUT, "Train again as a config.json says; other options change it.")]
CheckpointEvery = Annotated[int | None, option(OUTPUT, "With --out: save the state every so many epochs.", metavar="EPOCHS")]
Resume = Annotated[Path | None, option(OUTPUT, "Go on with a run that saved its state in this folder.", metavar="DIRECTORY")]
Report = Annotated[
    Path | None, option(OUTPUT, "Write everything that is worth knowing of the run into this one HTML file.", metavar="FILE")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object, and nothing else.", rich_help_panel=OUTPUT)]
Quiet = Annotated[bool, option(OUTPUT, "Print nothing but errors.", "--quiet", "-q")]


def parse_hidden(text: str) -> tuple[int, ...]:
    """Units of the hidden layers.

    Examples
    --------
    >>> parse_hidden("300,100"), parse_hidden("none")
    ((300, 100), ())
    """
    if text.strip().lower() in ("", "none", "0"):
        return ()
    try:
        return tuple(int(units) for units in text.split(","))
    except ValueError as error:
        raise OptionError(f"--hidden takes whole numbers such as 300,100, or none, not {text!r}.") from error


def parse_share(name: str, text: str) -> int | float:
    """A number of examples if `text` is a whole number, otherwise a share of them.

    Examples
    --------
    >>> parse_share("val", "500"), parse_share("val", "0.2")
    (500, 0.2)
    """
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    raise OptionError(f"--{name} takes a share such as 0.15 or a number of examples such as 500, not {text!r}.")


def parse_count(name: str, text: str, word: str) -> int | None:
    """A whole number, or None for the given word.

    Examples
    --------
    >>> parse_count("batch-size", "64", "all"), parse_count("batch-size", "all", "all")
    (64, None)
    """
    if text.strip().lower() == word:
        return None
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise OptionError(f"--{name} takes a whole number, 1 or more, or {word}, not {text!r}.")
    return number


def parse_pairs(texts: list[str]) -> dict[str, float]:
    """Numbers by name.

    Examples
    --------
    >>> parse_pairs(["rise=0.1", "total=500"])
    {'rise': 0.1, 'total': 500}
    """
    pairs = {}
    for text in texts:
        name, _, value = text.partition("=")
        try:
            pairs[name.strip().replace("-", "_")] = parse_share("schedule-arg", value)
        except OptionError as error:
            raise OptionError(f"--schedule-arg takes a name and a number such as rise=0.1, not {text!r}.") from error
    return pairs
