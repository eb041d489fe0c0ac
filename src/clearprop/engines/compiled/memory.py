"""The memory of a job: every array and number that the kernel works with, as one named tuple.

The kernel is handed a single address. There lie 64-bit integers, one for each field of `Memory`: numbers, and the addresses of
arrays. Interpreted, the kernel's functions are given the named tuple itself, with NumPy's arrays in it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from clearprop.arrays import Array
from clearprop.engines.compiled.compiler.primitives import instruction
from clearprop.engines.compiled.compiler.values import FLOAT64, INT, NUMBERS, Lanes, Pointer, Value, cast
from clearprop.engines.compiled.lanes import INTERPRETED, lanes_of, wide

Integers = Any
"""Array of int64 that is written while the kernel runs."""
Constants = Any
"""Array of int64 that is not."""
Floats = Any
"""Array of the net's dtype."""
Doubles = Any
"""Array of float64."""


class Memory(NamedTuple):
    """All that the kernel's functions see, from one thread.

    Attributes
    ----------
    here : int
        Address of these numbers.
    thread, threads : int
        Number of this thread, from 0, and of all that share a step.
    table : array of int64 (stages, COLUMNS)
        The net, a row for each stage (`plan`), flat: `table[stage * COLUMNS + N_IN]`.
    batch_size : int
    packed, grad, one, two : array (n_packed,)
        All W and b, with padded rows; their gradients; the optimizer's state.
    a, da : array (sum of B x width,)
        Outputs of every stage, and the gradients with respect to them, then to z.
    z : array (sum of B x width,) or (0,)
        Inputs of the activations whose derivative reads them, each in the place of its output in `a`.
    extra, spare : array
        Masks, x_hat and other numbers that stages without a product save; and a register for the end of a row.
    transposed : array
        W^T of every stage but the first.
    block_start : int
        Place in `a` and `da` for a register of each output, for each thread.
    offsets, x_offsets : array of int64 (stages, B), (threads, B)
        Begin of each row of `a`, and of each row of the batch in the data, a copy for each thread.
    targets : array (B x width of the last stage,)
        Row by row; or unit by unit, for a block, for each thread.
    mask : array (width of the last stage,)
        1 for an output, 0 for padding.
    class_terms : array (2 x width of the last stage,)
        For each class, what its target is multiplied by, and then what is added, if the loss smooths or weighs them.
    sums, block_sums : array (n_packed x lanes,), (2 x lanes,)
        For a narrow net: a register for each gradient; and for the losses and the right answers of the examples.
    partial : array of float64 (SHARES, threads)
        Shares of each thread in the loss, the number of correct predictions and the squared norm of the gradient.
    counter : array of int64 (COUNTERS,)
        Counter of the barrier; and what `epochs` says.
    yield_address : int
        Of the function that gives up the processor; 0 if there is none.
    x, labels, values : array (N, n_x), (N,) or (N, value_columns)
        Inputs and targets; the targets either as labels or as values.
    weights, weighted : array (N,), int
        Weights of the examples, and 1 if there are any.
    examples, value_columns, per_example, answers : int
        N; 0 for labels; the number of values of each example that the loss is a mean over, 0 for a sum; the number of
        answers that an example gives, each right or wrong.
    order, n_order : array of int64 (n_order,)
        Row numbers of the examples.
    theta, state : array (P,), (n_states, P)
        Read before every epoch, written after it; theta then holds the gradient of the last batch, if that was asked for.
    n_theta, n_states : int
    rules, n_rules, rule_size : array of float64 (n_rules, rule_size)
        The learning rate and the constants of the optimizer, for each step; a single row for all.
    limits : array of float64 (3,)
        Strength of the weight decay; largest norm of the gradient, infinite for no clipping; least improvement that counts.
    report : array of float64 (2, n_steps)
        The loss and the number of correct predictions of each step.
    mode, straight : int
        TRAIN, GRADIENT or EVALUATE; 1 if W and b can move as soon as their gradients are known.
    steps, other_forward, other_backward, loss, loss_block, update : int
        The units (`units`): they take the steps of an epoch, compute stages without a product, and the loss of some rows or
        of a block, and apply the optimizer's rule.
    epochs, shuffled, generator : int
        Number of epochs in one call; 1 if the order is drawn anew for each, from NumPy's generator at this address.
    figures : array of float64 (epochs, FIGURES)
        For each epoch, what `epochs` says.
    validation : int
        Address of the job that measures on the validation examples; 0 for none.
    stop_nonfinite, watched, patience : int
        1 to stop at a number that is not finite; the figure whose best parameters are kept, 0 for none, and the epochs
        without improvement after which training stops.
    best, best_figures : array (P,), array of float64 (2,)
        The best parameters so far, their score (the smaller the better) and their epoch.
    epochs_before : int
        Epochs that were done before this call.
    """

    here: int
    thread: int
    threads: int
    table: Constants
    stages: int
    batch_size: int
    packed: Floats
    n_packed: int
    grad: Floats
    one: Floats
    two: Floats
    a: Floats
    da: Floats
    z: Floats
    extra: Floats
    spare: Floats
    transposed: Floats
    block_start: int
    offsets: Constants
    x_offsets: Integers
    targets: Floats
    mask: Floats
    class_terms: Floats
    sums: Floats
    block_sums: Floats
    partial: Doubles
    counter: Integers
    yield_address: int
    x: Floats
    labels: Constants
    values: Floats
    weights: Floats
    weighted: int
    examples: int
    value_columns: int
    per_example: int
    answers: int
    order: Integers
    n_order: int
    theta: Floats
    state: Floats
    n_theta: int
    n_states: int
    rules: Doubles
    n_rules: int
    rule_size: int
    limits: Doubles
    report: Doubles
    n_steps: int
    mode: int
    straight: int
    steps: int
    other_forward: int
    other_backward: int
    loss: int
    loss_block: int
    update: int
    epochs: int
    shuffled: int
    generator: int
    figures: Doubles
    validation: int
    stop_nonfinite: int
    watched: int
    patience: int
    best: Floats
    best_figures: Doubles
    epochs_before: int

    @property
    def lanes(self) -> int:
        """Number of values that are loaded at once."""
        return lanes_of(self.a)

    def widened(self) -> Any:
        """The same memory, with activations, their gradients and targets loaded two registers at a time."""
        return self._replace(a=wide(self.a), da=wide(self.da), targets=wide(self.targets))


NUMBER = {name: k for k, name in enumerate(Memory._fields)}
"""Place of each field among the numbers."""


def kind_of_field(name: str, dtype: str) -> Any:
    """The kind of a field, as the compiler sees it."""
    kinds = {
        "Integers": Pointer(INT),
        "Constants": Pointer(INT, constant=True),
        "Floats": Pointer(NUMBERS[dtype]),
        "Doubles": Pointer(FLOAT64),
        "int": INT,
    }
    annotation: Any = Memory.__annotations__[name]
    return kinds[getattr(annotation, "__forward_arg__", annotation)]


def memory_at(address: Any) -> Any:
    """The memory whose numbers lie at an address; interpreted, that is the memory itself."""
    return address


@instruction(memory_at)
def _memory_at(builder: Any, address: Value) -> Memory:
    start = cast(builder, address, Pointer(INT)).ir
    dtype = builder.module.name.split(" ")[0]
    found: list[Any] = []
    for k, name in enumerate(Memory._fields):
        number = builder.load(builder.gep(start, [INT.ir_type(k)]))
        number.set_metadata("invariant.load", builder.module.add_metadata([]))
        found.append(cast(builder, Value(INT, number), kind_of_field(name, dtype)))
    return Memory(*found)


def doubles_at(address: Any) -> Any:
    """The numbers of type float64 that lie at an address; interpreted, `INTERPRETED_NUMBERS` finds them."""
    return INTERPRETED_NUMBERS[int(address)]


INTERPRETED_NUMBERS: dict[int, Array] = {}


@instruction(doubles_at)
def _doubles_at(builder: Any, address: Value) -> Value:
    return cast(builder, address, Pointer(FLOAT64))


def floats_at(address: Any, like: Any) -> Any:
    """The same for numbers of the dtype of `like`."""
    return INTERPRETED_NUMBERS[int(address)]


@instruction(floats_at)
def _floats_at(builder: Any, address: Value, like: Value) -> Value:
    assert isinstance(like.kind, Pointer)
    return cast(builder, address, Pointer(like.kind.of))


def named_address(array: Array) -> int:
    """Address of an array for `doubles_at` and `floats_at`, also of the interpreted kernel."""
    address = address_of(array)
    if INTERPRETED:
        INTERPRETED_NUMBERS[address] = array
    return address


def epsilon(array: Any) -> float:
    """Distance from 1 to the next number of an array's dtype."""
    return float(np.finfo(dtype_of(array)).eps)


def smallest_normal(array: Any) -> float:
    """The smallest normal number of an array's dtype."""
    return float(np.finfo(dtype_of(array)).tiny)


def dtype_of(array: Any) -> str:
    """Name of the dtype of an array, or of what a pointer points to."""
    if not isinstance(array, Value):
        return str(array.dtype.name)
    assert isinstance(array.kind, (Pointer, Lanes))
    return array.kind.of.name if isinstance(array.kind, Pointer) else array.kind.scalar.name


@instruction(epsilon)
def _epsilon(builder: Any, array: Value) -> float:
    return epsilon(array)


@instruction(smallest_normal)
def _smallest_normal(builder: Any, array: Value) -> float:
    return smallest_normal(array)


class Job:
    """The numbers of one job, a row for each thread, and what keeps the arrays alive.

    Parameters
    ----------
    threads : int
        Number of threads that share a step.
    **given : array or int
        Fields of `Memory`; the others are 0 until `set`.
    """

    def __init__(self, threads: int, **given: Any) -> None:
        self.numbers = np.zeros((threads, len(Memory._fields)), np.int64)
        self.parts: dict[str, Any] = dict.fromkeys(Memory._fields, 0)
        self.addresses = [address_of(row) for row in self.numbers]
        self.set(threads=threads, **given)
        for thread, row in enumerate(self.numbers):
            row[NUMBER["thread"]], row[NUMBER["here"]] = thread, self.addresses[thread]

    def set(self, **given: Any) -> None:
        """Change some fields, in every thread."""
        parts, numbers = self.parts, self.numbers
        for name, value in given.items():
            if parts[name] is value:
                continue
            parts[name] = value
            if isinstance(value, Job):
                numbers[:, NUMBER[name]] = value.addresses
                continue
            number = address_of(value) if isinstance(value, np.ndarray) else int(value)
            if len(numbers) == 1:
                numbers[0, NUMBER[name]] = number
            else:
                numbers[:, NUMBER[name]] = number

    def memory(self) -> Memory:
        """The memory itself, for the interpreted kernel, which has one thread."""
        return Memory(**{name: _as_seen(part) for name, part in self.parts.items()})


def _as_seen(part: Any) -> Any:
    if isinstance(part, Job):
        return part.memory()
    return part.reshape(-1) if isinstance(part, np.ndarray) else part


def address_of(array: Array) -> int:
    """Address of the first number of an array."""
    address: int = array.__array_interface__["data"][0]
    return address
