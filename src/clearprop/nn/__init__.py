"""Layers, losses and nets: the mathematics of one step.

The symbols, everywhere in clearprop:

=========== ================================================================ ===================
N, B        examples in the data set, in the batch
x, X        one layer's input; the data matrix                               (B, n_in), (N, n_x)
W, b        weights and bias; y = x W + b                                    (n_in, n_out), (n_out,)
z           pre-activation                                                   (B, n)
a           activation, a = f(z)                                             (B, n)
y_hat, y    prediction; target (integer class, one-hot row, or real vector)  (B, n_y)
dq          gradient of the batch loss with respect to q                     as q
theta, grad all parameters, all their gradients, flat                        (P,)
lr          learning rate
=========== ================================================================ ===================
"""

from importlib import import_module

from clearprop.nn.activations import Activation, Identity, ReLU, Sigmoid, Tanh
from clearprop.nn.batchnorm import BatchNorm
from clearprop.nn.binary_cross_entropy import BinaryCrossEntropy, BinaryCrossEntropyWithLogits
from clearprop.nn.convolution import Conv2d, Flatten, MaxPool2d, Unflatten
from clearprop.nn.cross_entropy import CrossEntropy, NegativeLogLikelihood
from clearprop.nn.dropout import Dropout
from clearprop.nn.embedding import Embedding
from clearprop.nn.focal import Focal
from clearprop.nn.gates import GELU, GELUTanh, SiLU
from clearprop.nn.initialisers import INITIALISERS, He, Initialiser, LeCun, Normal, Uniform, Xavier, Zeros
from clearprop.nn.layer import Layer
from clearprop.nn.layernorm import LayerNorm
from clearprop.nn.linear import Linear
from clearprop.nn.loss import ElementwiseLoss, Loss
from clearprop.nn.mean_squared_error import MeanSquaredError
from clearprop.nn.multilayer import mlp
from clearprop.nn.net import Net
from clearprop.nn.rectifiers import ELU, SELU, LeakyReLU, Softplus
from clearprop.nn.registries import ACTIVATIONS, LAYERS, LOSSES, NUMBER_LOSSES
from clearprop.nn.residual import Residual
from clearprop.nn.robust_losses import Huber, MeanAbsoluteError, Quantile
from clearprop.nn.softmax import Softmax, softmax

__all__ = [
    "ACTIVATIONS",
    "ELU",
    "GELU",
    "INITIALISERS",
    "LAYERS",
    "LOSSES",
    "NUMBER_LOSSES",
    "SELU",
    "Activation",
    "BatchNorm",
    "BinaryCrossEntropy",
    "BinaryCrossEntropyWithLogits",
    "Conv2d",
    "CrossEntropy",
    "Dropout",
    "ElementwiseLoss",
    "Embedding",
    "Flatten",
    "Focal",
    "GELUTanh",
    "He",
    "Huber",
    "Identity",
    "Initialiser",
    "Layer",
    "LayerNorm",
    "LeCun",
    "LeakyReLU",
    "Linear",
    "Loss",
    "MaxPool2d",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "NegativeLogLikelihood",
    "Net",
    "Normal",
    "Quantile",
    "ReLU",
    "Residual",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Tanh",
    "Unflatten",
    "Uniform",
    "Xavier",
    "Zeros",
    "mlp",
    "softmax",
]

import_module("clearprop.engines")  # which takes down what these functions are, before anybody can replace one
