"""Layers for images (B, C, H, W): rows to images and back, convolution, and the largest of each patch.

They are written to be read, a few sums of products each; the names of the indices are those of the einsum letters: b example,
c channel in, o channel out, y x place in the output, i j place in the kernel.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from clearprop.arguments import checked
from clearprop.arrays import Array, describe
from clearprop.errors import ShapeError
from clearprop.nn.initialisers import INITIALISERS, Initialiser, Zeros
from clearprop.nn.layer import Layer
from clearprop.registry import count


class Unflatten(Layer):
    """Rows (B, C H W) become images (B, C, H, W): y = x in another shape, and dx = dy in that of x.

    Parameters
    ----------
    channels, height, width_of_image : int
        C, H, W.

    Examples
    --------
    >>> Unflatten(1, 2, 3)(np.arange(12.0).reshape(2, 6)).shape
    (2, 1, 2, 3)
    """

    def __init__(self, channels: int, height: int, width_of_image: int) -> None:
        self.channels, self.height = count("channels", channels), count("height", height)
        self.width_of_image = count("width_of_image", width_of_image)
        self.n_in = self.channels * self.height * self.width_of_image

    def forward(self, x: Array, training: bool = False) -> tuple[Array, None]:
        """The same numbers (B, C, H, W); nothing has to be saved."""
        self.check_input(x)
        return x.reshape(len(x), self.channels, self.height, self.width_of_image), None

    def backward(self, saved: None, dy: Array) -> Array:
        """dx (B, C H W) = dy."""
        return dy.reshape(len(dy), -1)

    def width(self, n_in: int | None) -> int | None:
        super().width(n_in)
        return None  # the next layer takes images


class Flatten(Layer):
    """Images (B, C, H, W) become rows (B, C H W): y = x in another shape, and dx = dy in that of x.

    Examples
    --------
    >>> Flatten()(np.zeros((2, 3, 4, 4))).shape
    (2, 48)
    """

    def forward(self, x: Array, training: bool = False) -> tuple[Array, tuple[int, ...]]:
        """The same numbers, a row for each example; saves the shape."""
        return x.reshape(len(x), -1), x.shape

    def backward(self, saved: tuple[int, ...], dy: Array) -> Array:
        """dx = dy, in the shape of x."""
        return dy.reshape(saved)

    def width(self, n_in: int | None) -> int | None:
        return None


class Conv2d(Layer):
    """A small linear layer that is applied to every patch of an image: the same weights, wherever the patch lies.

    y_boyx = b_o + sum_cij x_bc(y s + i)(x s + j) W_ocij for kernels of k x k and a stride of s, on images with a margin of
    zeros.

    Parameters
    ----------
    n_in_channels, n_out_channels : int
        Channels of the input and of the output.
    kernel : int
        k, height and width of the patches.
    stride : int
        s, the step from patch to patch.
    padding : int
        Width of the margin of zeros around the image.
    init, bias_init : str or Initialiser
        For n_in = C k^2 inputs and n_out = O k^2 outputs of each patch; He's, since a ReLU usually follows.

    Notes
    -----
    With the patch P_bcyxij = x_bc(y s + i)(x s + j), y_boyx = b_o + sum_cij P_bcyxij W_ocij is a linear layer for every b, y
    and x.

    *dW, db*. A weight enters once for every example and place: dW_ocij = sum_byx P_bcyxij dy_boyx, and db_o = sum_byx dy_boyx.

    *dx*. A pixel is in several patches, and gets the sum: dP_bcyxij = sum_o dy_boyx W_ocij is added to where P was taken from.

    Of all that `forward` sees, only x is needed for this; so x is what it saves.

    Examples
    --------
    >>> layer = Conv2d(1, 1, kernel=2)
    >>> layer.W[:] = [[[[1, 0], [0, -1]]]]
    >>> layer(np.arange(9.0).reshape(1, 1, 3, 3))
    array([[[[-4., -4.],
             [-4., -4.]]]])
    """

    names = ("W", "b")
    W: Array
    b: Array
    dW: Array
    db: Array

    def __init__(
        self,
        n_in_channels: int,
        n_out_channels: int,
        kernel: int = 3,
        stride: int = 1,
        padding: int = 0,
        init: str | dict[str, Any] | Initialiser = "he",
        bias_init: str | dict[str, Any] | Initialiser = "zeros",
    ) -> None:
        self.n_in_channels = count("n_in_channels", n_in_channels)
        self.n_out_channels = count("n_out_channels", n_out_channels)
        self.kernel, self.stride, self.padding = count("kernel", kernel), count("stride", stride), count("padding", padding, 0)
        self.init: Initialiser = INITIALISERS.make(init)
        self.bias_init: Initialiser = INITIALISERS.make(bias_init)
        self.allocate(W=(self.n_out_channels, self.n_in_channels, self.kernel, self.kernel), b=(self.n_out_channels,))
        if isinstance(self.bias_init, Zeros):
            self.b[:] = 0

    def forward(self, x: Array, training: bool = False) -> tuple[Array, Array]:
        """y (B, O, H', W'); saves x (B, C, H, W)."""
        self.check_input(x)
        y = np.einsum("bcyxij,ocij->boyx", self.patches(self.padded(x)), self.W, optimize=True)
        return y + self.b[:, np.newaxis, np.newaxis], x

    def backward(self, saved: Array, dy: Array) -> Array:
        """dW += the sum of patch times dy over all places, db += the sum of dy; returns dx, added up over the patches."""
        x = self.padded(saved)
        self.dW += np.einsum("bcyxij,boyx->ocij", self.patches(x), dy, optimize=True)
        self.db += dy.sum(axis=(0, 2, 3))
        dx, (height, width), s = np.zeros_like(x), dy.shape[2:], self.stride
        for i, j in np.ndindex(self.kernel, self.kernel):
            part = np.einsum("boyx,oc->bcyx", dy, self.W[:, :, i, j], optimize=True)
            dx[:, :, i : i + s * height : s, j : j + s * width : s] += part
        p = self.padding
        return dx[:, :, p : dx.shape[2] - p, p : dx.shape[3] - p]

    def padded(self, x: Array) -> Array:
        """Images with the margin of zeros."""
        p = self.padding
        return np.pad(x, ((0, 0), (0, 0), (p, p), (p, p))) if p else x

    def patches(self, x: Array) -> Array:
        """A view of every patch: (B, C, H', W', k, k)."""
        windows = sliding_window_view(x, (self.kernel, self.kernel), axis=(2, 3))
        return windows[:, :, :: self.stride, :: self.stride]

    def check_input(self, x: Array) -> None:
        """Raise a `ShapeError` unless `x` holds images with the right channels, no smaller than a patch."""
        if x.ndim != 4 or x.shape[1] != self.n_in_channels:
            hint = f"put Unflatten({self.n_in_channels}, height, width) before it" if x.ndim == 2 else "see its channels"
            raise ShapeError(f"{self!r} needs images of shape (B, {self.n_in_channels}, H, W), not {describe(x)}: {hint}.")
        if min(x.shape[2:]) + 2 * self.padding < self.kernel:
            raise ShapeError(f"{self!r} needs images of {self.kernel} x {self.kernel} pixels or more, not {describe(x)}.")

    def width(self, n_in: int | None) -> int | None:
        return None

    @checked
    def initialise(self, rng: np.random.Generator | int) -> Conv2d:
        """Draw the kernels, then the biases."""
        rng, area = np.random.default_rng(rng), self.kernel * self.kernel
        n_in, n_out = self.n_in_channels * area, self.n_out_channels * area
        self.W[:] = self.init.draw(rng, self.W.shape, n_in, n_out)
        self.b[:] = self.bias_init.draw(rng, self.b.shape, n_in, n_out)
        return self


class MaxPool2d(Layer):
    """The largest number of each k x k square of an image; squares lie side by side, and what is left at the edges is dropped.

    y = max of a square. The largest number alone enters y: it gets dx = dy, and the others of its square 0. Of several that are
    equal, the first is taken.

    Parameters
    ----------
    kernel : int
        k.

    Examples
    --------
    >>> MaxPool2d(2)(np.array([[[[1.0, 2, 0], [4, 3, 0]]]]))
    array([[[[4.]]]])
    """

    def __init__(self, kernel: int = 2) -> None:
        self.kernel = count("kernel", kernel)

    def forward(self, x: Array, training: bool = False) -> tuple[Array, tuple[Array, tuple[int, ...]]]:
        """y (B, C, H', W'); saves the place of the largest in each square, and the shape of x."""
        k = self.kernel
        if x.ndim != 4 or min(x.shape[2:]) < k:
            raise ShapeError(f"{self!r} needs images of shape (B, C, H, W), of {k} x {k} pixels or more, not {describe(x)}.")
        squares = self.squares(x)
        place = squares.argmax(axis=-1)
        return np.take_along_axis(squares, place[..., np.newaxis], axis=-1)[..., 0], (place, x.shape)

    def backward(self, saved: tuple[Array, tuple[int, ...]], dy: Array) -> Array:
        """dx = dy at the largest number of each square, 0 elsewhere."""
        (place, shape), k = saved, self.kernel
        dx = np.zeros(shape, dtype=dy.dtype)
        b, c, y, x = np.indices(place.shape)
        dx[b, c, y * k + place // k, x * k + place % k] = dy
        return dx

    def squares(self, x: Array) -> Array:
        """The numbers of each square in a row: (B, C, H', W', k k)."""
        k = self.kernel
        windows = sliding_window_view(x, (k, k), axis=(2, 3))[:, :, ::k, ::k]
        return windows.reshape(*windows.shape[:4], k * k)

    def width(self, n_in: int | None) -> int | None:
        return None
