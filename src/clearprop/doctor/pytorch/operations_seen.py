"""Operations of PyTorch by their names in ATen: what kind of layer each is, and which leave a linear map linear."""

from __future__ import annotations

from typing import Any

PRODUCTS = ("mm", "addmm", "bmm", "baddbmm", "addbmm", "mv", "addmv", "matmul", "linear", "mkldnn_linear")
CONVOLUTIONS = ("convolution", "convolution_overrideable", "mkldnn_convolution", "cudnn_convolution")

KINDS = {
    "relu": "ReLU", "sigmoid": "Sigmoid", "tanh": "Tanh", "softmax": "Softmax", "safe_softmax": "Softmax",
    "log_softmax": "LogSoftmax", "log_sigmoid_forward": "LogSigmoid", "gelu": "GELU", "silu": "SiLU", "elu": "ELU",
    "leaky_relu": "LeakyReLU", "prelu": "PReLU", "softplus": "Softplus", "hardtanh": "Hardtanh", "mish": "Mish",
    "hardsigmoid": "Hardsigmoid", "hardswish": "Hardswish", "exp": "exp", "log": "log", "sin": "sin", "cos": "cos",
    "native_batch_norm": "BatchNorm", "native_batch_norm_legit": "BatchNorm",
    "native_batch_norm_legit_no_training": "BatchNorm",
    "batch_norm_with_update": "BatchNorm", "cudnn_batch_norm": "BatchNorm", "miopen_batch_norm": "BatchNorm",
    "native_layer_norm": "LayerNorm", "native_group_norm": "GroupNorm", "embedding": "Embedding",
    "embedding_bag": "Embedding", "mkldnn_rnn_layer": "LSTM", "cudnn_rnn": "RNN", "thnn_fused_lstm_cell": "LSTM",
    "thnn_fused_gru_cell": "GRU", "max_pool2d_with_indices": "MaxPool", "max_pool3d_with_indices": "MaxPool",
    "adaptive_max_pool2d": "MaxPool", "native_dropout": "Dropout", "bernoulli": "Dropout",
}  # fmt: skip
"""Kinds of layers, by the name of the operation."""

SAME = {
    "view", "unsafe_view", "reshape", "t", "transpose", "permute", "expand", "squeeze", "unsqueeze", "clone", "detach", "alias",
    "to_copy", "contiguous", "flatten", "lift_fresh", "movedim", "view_as", "expand_as", "copy", "reshape_alias",
}  # fmt: skip
"""Operations after which the same numbers lie there, in another shape or type."""

PARTS = {
    "select",
    "slice",
    "narrow",
    "split",
    "split_with_sizes",
    "unsafe_split",
    "unbind",
    "chunk",
    "index",
    "gather",
    "diagonal",
}
"""Operations that take a part of the numbers."""

LINEAR = SAME | PARTS | {
    "add", "sub", "rsub", "neg", "mul", "div", "mean", "sum", "cat", "stack", "avg_pool2d", "adaptive_avg_pool2d", "avg_pool3d",
    "mean_dim", "constant_pad_nd", "native_dropout", "native_batch_norm", "native_batch_norm_legit", "upsample_nearest2d",
    "native_batch_norm_legit_no_training", "batch_norm_with_update", "roll", "flip", "repeat", "avg_pool1d", "pad",
}  # fmt: skip
"""Operations that leave a linear map linear (a product only while at most one of its factors depends on the inputs)."""

STEPPED = {
    "round", "floor", "ceil", "trunc", "sign", "sgn", "fix", "heaviside", "argmax", "argmin", "gt", "ge", "lt", "le", "eq",
    "ne", "bucketize",
}  # fmt: skip
"""Operations that are constant but for jumps, so that their derivative is 0 wherever it exists, or is not there."""

FACTORS = {"mul", "div", *PRODUCTS, *CONVOLUTIONS}
"""Operations that are linear in each factor, and in the inputs only if one factor alone depends on them."""


def plain(function: Any) -> str:
    """The bare name of an operation: "relu" for aten::relu_.

    Examples
    --------
    >>> plain("aten::_log_softmax"), plain("aten::relu_")
    ('log_softmax', 'relu')
    """
    return str(function).rsplit("::", 1)[-1].split(".")[0].strip("_")


def kind_of(name: str, args: tuple[Any, ...]) -> str:
    """The kind of layer that an operation is; empty for one that is none."""
    bound = args[1] if len(args) > 1 else None
    if name == "hardtanh" and len(args) >= 3 and args[1] == 0:
        return "ReLU6"
    if name == "threshold" and bound == 0:
        return "ReLU"
    if name in ("clamp_min", "clamp") and bound == 0 and (len(args) < 3 or args[2] is None):
        return "ReLU"
    return KINDS.get(name, "")
