"""The names by which layers, activations and losses are chosen."""

from __future__ import annotations

from clearprop.nn.activations import Identity, ReLU, Sigmoid, Tanh
from clearprop.nn.batchnorm import BatchNorm
from clearprop.nn.binary_cross_entropy import BinaryCrossEntropy, BinaryCrossEntropyWithLogits
from clearprop.nn.convolution import Conv2d, Flatten, MaxPool2d, Unflatten
from clearprop.nn.cross_entropy import CrossEntropy, NegativeLogLikelihood
from clearprop.nn.dropout import Dropout
from clearprop.nn.embedding import Embedding
from clearprop.nn.focal import Focal
from clearprop.nn.gates import GELU, GELUTanh, SiLU
from clearprop.nn.layer import Layer
from clearprop.nn.layernorm import LayerNorm
from clearprop.nn.linear import Linear
from clearprop.nn.loss import Loss
from clearprop.nn.mean_squared_error import MeanSquaredError
from clearprop.nn.rectifiers import ELU, SELU, LeakyReLU, Softplus
from clearprop.nn.residual import Residual
from clearprop.nn.robust_losses import Huber, MeanAbsoluteError, Quantile
from clearprop.nn.softmax import Softmax
from clearprop.registry import Registry

KNOWN: dict[str, type[Layer]] = {
    "sigmoid": Sigmoid,
    "tanh": Tanh,
    "relu": ReLU,
    "leaky_relu": LeakyReLU,
    "elu": ELU,
    "selu": SELU,
    "softplus": Softplus,
    "silu": SiLU,
    "gelu": GELU,
    "gelu_tanh": GELUTanh,
    "identity": Identity,
    "softmax": Softmax,
}

LAYERS: Registry[Layer] = Registry(
    "layer",
    Layer,
    {
        "linear": Linear,
        **KNOWN,
        "dropout": Dropout,
        "batchnorm": BatchNorm,
        "layernorm": LayerNorm,
        "residual": Residual,
        "embedding": Embedding,
        "unflatten": Unflatten,
        "conv2d": Conv2d,
        "max_pool2d": MaxPool2d,
        "flatten": Flatten,
    },
)

ACTIVATIONS: Registry[Layer] = Registry(
    "activation", Layer, KNOWN, aliases={"logistic": "sigmoid", "swish": "silu"}, within=LAYERS
)

LOSSES: Registry[Loss] = Registry(
    "loss",
    Loss,
    {
        "cross_entropy": CrossEntropy,
        "negative_log_likelihood": NegativeLogLikelihood,
        "binary_cross_entropy": BinaryCrossEntropy,
        "binary_cross_entropy_with_logits": BinaryCrossEntropyWithLogits,
        "focal": Focal,
        "mean_squared_error": MeanSquaredError,
        "mean_absolute_error": MeanAbsoluteError,
        "huber": Huber,
        "quantile": Quantile,
    },
    aliases={
        "ce": "cross_entropy",
        "nll": "negative_log_likelihood",
        "bce": "binary_cross_entropy",
        "bce_with_logits": "binary_cross_entropy_with_logits",
        "mse": "mean_squared_error",
        "mae": "mean_absolute_error",
        "pinball": "quantile",
    },
)

NUMBER_LOSSES = (MeanSquaredError, MeanAbsoluteError, Huber, Quantile)
"""Losses whose targets are numbers, not classes."""
