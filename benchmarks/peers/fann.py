"""FANN, the C library of 2003, through ctypes: online (`FANN_TRAIN_INCREMENTAL`), or a batch at a time (`FANN_TRAIN_BATCH`).

It has neither a softmax nor a ReLU. Here it has linear outputs and half the squared error, which is less work than the
others do. An online epoch is a single call. Its batch is all the data that a call is given, so that each mini-batch takes
a call.
"""

from __future__ import annotations

import ctypes
import functools
import re
import tempfile
from ctypes import POINTER, c_char_p, c_float, c_int, c_uint, c_void_p
from pathlib import Path

import numpy as np

from benchmarks.installed import LIBFANN
from benchmarks.peers.peer import Peer
from benchmarks.workloads import Parameters, Workload
from clearprop.arrays import Array

INCREMENTAL, BATCH = 0, 1
LINEAR, SIGMOID, SYMMETRIC_SIGMOID = 0, 3, 5
ACTIVATIONS = {"tanh": (SYMMETRIC_SIGMOID, 1.0), "sigmoid": (SIGMOID, 0.5), "linear": (LINEAR, 1.0)}
"""FANN's function, and the steepness at which it is the usual one: it computes tanh(s z), and 1 / (1 + exp(-2 s z))."""


class Rows(ctypes.Structure):
    """FANN's training data: for each example a pointer to its inputs, and one to its targets."""

    _fields_ = (
        ("error", c_int), ("log", c_void_p), ("message", c_char_p), ("num_data", c_uint), ("num_input", c_uint),
        ("num_output", c_uint), ("input", c_void_p), ("output", c_void_p),
    )  # fmt: skip


class Connection(ctypes.Structure):
    _fields_ = (("source", c_uint), ("target", c_uint), ("weight", c_float))


@functools.cache
def library() -> ctypes.CDLL:
    """FANN for float32."""
    try:
        fann = ctypes.CDLL(LIBFANN)
    except OSError:
        raise FileNotFoundError("libfann is not installed; it is in Debian's package libfann2") from None
    signatures = {
        "fann_create_standard_array": (c_void_p, c_uint, POINTER(c_uint)),
        "fann_create_from_file": (c_void_p, c_char_p),
        "fann_save": (c_int, c_void_p, c_char_p),
        "fann_set_training_algorithm": (None, c_void_p, c_int),
        "fann_set_train_error_function": (None, c_void_p, c_int),
        "fann_set_learning_rate": (None, c_void_p, c_float),
        "fann_set_activation_function_hidden": (None, c_void_p, c_int),
        "fann_set_activation_steepness_hidden": (None, c_void_p, c_float),
        "fann_set_activation_function_output": (None, c_void_p, c_int),
        "fann_set_activation_steepness_output": (None, c_void_p, c_float),
        "fann_get_total_connections": (c_uint, c_void_p),
        "fann_get_connection_array": (None, c_void_p, POINTER(Connection)),
        "fann_train_epoch": (c_float, c_void_p, POINTER(Rows)),
        "fann_destroy": (None, c_void_p),
    }
    for name, (result, *arguments) in signatures.items():
        function = getattr(fann, name)
        function.restype, function.argtypes = result, arguments
    return fann


class Trainer(Peer):
    def __init__(self, workload: Workload, X: Array, y: Array, start: Parameters) -> None:
        self.fann = library()
        if workload.activation not in ACTIVATIONS:
            raise NotImplementedError(f"FANN has no {workload.activation}")
        self.sizes, self.batch, self.rng = workload.sizes, workload.batch, np.random.default_rng(0)
        self.X, self.targets = np.ascontiguousarray(X, np.float32), np.eye(workload.sizes[-1], dtype=np.float32)[y]
        self.net = self.create(workload)
        self.set_parameters(start)
        self.inputs, self.outputs = (rows.ctypes.data + rows.strides[0] * np.arange(len(X)) for rows in (self.X, self.targets))

    def create(self, workload: Workload) -> int:
        """The address of a net."""
        fann, (activation, steepness) = self.fann, ACTIVATIONS[workload.activation]
        net = fann.fann_create_standard_array(len(self.sizes), (c_uint * len(self.sizes))(*self.sizes))
        fann.fann_set_training_algorithm(net, INCREMENTAL if self.batch == 1 else BATCH)
        fann.fann_set_train_error_function(net, 0)  # the error as it is, rather than an atanh of it
        fann.fann_set_learning_rate(net, workload.squared_lr)
        fann.fann_set_activation_function_hidden(net, activation)
        fann.fann_set_activation_steepness_hidden(net, steepness)
        fann.fann_set_activation_function_output(net, LINEAR)
        fann.fann_set_activation_steepness_output(net, 1.0)
        return net

    def set_parameters(self, start: Parameters) -> None:
        """By way of FANN's file, since `fann_set_weight` looks through all connections for each weight."""
        weights = iter(np.concatenate([np.vstack([W, b]).T.ravel() for W, b in start]))  # a unit after the other, its bias last
        with tempfile.TemporaryDirectory(prefix="clearprop-bench-") as folder:
            path = Path(folder, "net.txt")
            self.fann.fann_save(self.net, str(path).encode())
            head, connections = path.read_text().split("connections (")
            connections = re.sub(r"\((\d+), [^()]+\)", lambda found: f"({found[1]}, {next(weights):.9e})", connections)
            path.write_text(f"{head}connections ({connections}")
            self.fann.fann_destroy(self.net)
            self.net = self.fann.fann_create_from_file(str(path).encode())

    def train(self, epochs: int, order: Array | None = None) -> None:
        for _ in range(epochs):
            rows = self.rng.permutation(len(self.X)) if order is None else order
            inputs, outputs = self.inputs[rows], self.outputs[rows]
            size = len(rows) if self.batch == 1 else self.batch
            data = Rows(0, None, None, size, self.sizes[0], self.sizes[-1])
            given, train, net, address = ctypes.byref(data), self.fann.fann_train_epoch, self.net, ctypes.sizeof(c_void_p)
            first_input, first_output = inputs.ctypes.data, outputs.ctypes.data
            for first in range(0, len(rows) * address, size * address):
                data.input, data.output = first_input + first, first_output + first
                train(net, given)

    def parameters(self) -> Parameters:
        connections = (Connection * self.fann.fann_get_total_connections(self.net))()
        self.fann.fann_get_connection_array(self.net, connections)
        weights, found = np.array([c.weight for c in connections], np.float32), []
        for n_in, n_out in zip(self.sizes[:-1], self.sizes[1:], strict=True):
            layer, weights = np.split(weights, [(n_in + 1) * n_out])
            Wb = layer.reshape(n_out, n_in + 1).T
            found.append((Wb[:-1].copy(), Wb[-1].copy()))
        return found
