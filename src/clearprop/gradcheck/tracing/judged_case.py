"""A case: one round of steps of a program, and how its gradients are to be judged."""

from __future__ import annotations

from dataclasses import dataclass, replace

from clearprop.gradcheck.tracing.graph import Graph
from clearprop.gradcheck.tracing.loss_search import whole
from clearprop.gradcheck.tracing.steps import Move
from clearprop.gradcheck.tracing.trace import Vertex
from clearprop.gradcheck.tracing.wording import Words


@dataclass(frozen=True, eq=False)
class JudgedCase:
    """One round.

    Attributes
    ----------
    graph : Graph
    moves : list of Move
    words : Words
    number : int
        The round.
    seed : int
        Of the points at which it is judged.
    update_seen : bool
        Whether the moves are steps, so that their direction counts.
    layer : bool
        Whether it is a layer by itself: a mean over the batch in the gradients of its parameters may belong to the loss.
    exact : bool
        Whether the gradients must be those of the given loss itself, not only up to a factor that all share.
    signed : bool
        Whether a negative gradient is wrong although nothing is seen to be moved by it: that of a loss by its predictions.
    others : tuple of tuple of Move
        Other rounds of the same program, in which an explanation must hold as well.
    """

    graph: Graph
    moves: list[Move]
    words: Words
    number: int = 0
    seed: int = 0
    update_seen: bool = True
    layer: bool = False
    exact: bool = False
    signed: bool = False
    others: tuple[tuple[Move, ...], ...] = ()

    def only(self, moves: list[Move]) -> JudgedCase:
        """The case of some of the moves."""
        return replace(self, moves=moves)

    def cuts(self) -> list[Vertex]:
        """The parameters, as they are before the steps."""
        return list(dict.fromkeys(self.graph.rep(whole(piece.moved)) for move in self.moves for piece in move.pieces))

    def steps(self) -> set[Vertex]:
        """The results of the steps."""
        return {self.graph.rep(piece.step) for move in self.moves for piece in move.pieces if piece.step is not None}

    def gradients(self) -> list[Vertex]:
        """All that is claimed."""
        return [gradient for move in self.moves for gradient in move.gradients]
