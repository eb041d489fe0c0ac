"""The suspect: a mistake that explains a wrong gradient, in words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Suspect:
    """A mistake that gives just the gradient that was found.

    Attributes
    ----------
    fault : str
        Its name in the catalogue, such as "derivative-omitted"; two names joined by " + " for a pair.
    title : str
        In a few words.
    sentence : str
        What was found: "dW1 and db1 are what you get if the derivative of tanh is left out in layer 1."
    remedy : str
        The right line of mathematics.
    hint : str
        Where to look, without the answer, for graded work.
    error : float
        What is left unexplained, relative to the largest number of the tensor: a matter of rounding.
    """

    fault: str
    title: str
    sentence: str
    remedy: str
    hint: str
    error: float
