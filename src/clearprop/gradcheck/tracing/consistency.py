"""Consistency: which of the gradients of a round are right, sign and constant factor included."""

from __future__ import annotations

from clearprop.gradcheck.tracing.common_factors import CLOSE, mean_in_layer
from clearprop.gradcheck.tracing.sheet import Sheet


class Consistency:
    """Judges factors of gradients.

    Parameters
    ----------
    sheet : Sheet
    update_seen : bool
        Whether the moves are steps, so that their sign counts.
    exact : bool
        Whether they must be the gradients of the loss itself.
    layer : bool
        Whether they belong to a layer, which may take the mean over the batch itself.
    """

    def __init__(self, sheet: Sheet, update_seen: bool = True, exact: bool = False, layer: bool = False) -> None:
        self.known, self.layer = not sheet.loss.inferred, layer
        self.moves, self.update_seen, self.exact = sheet.moves, update_seen, exact
        self.matter = [k for k in range(len(sheet.moves)) if sheet.matters(k)]

    def right(self, factors: list[float | None]) -> set[int]:
        """Numbers of the moves that agree: those with the factor 1 where the loss is known, else the most of one factor."""
        return self.best(factors)[1]

    def best(self, factors: list[float | None]) -> tuple[bool, set[int]]:
        """Whether the factor is 1 and the loss known; and the numbers of the moves that have it, and the right sign."""
        found: tuple[bool, set[int]] = False, set()
        all_of_them = len(self.matter)
        for peeled in (True, False):
            scales = {k: s for k in self.matter if (s := self._scale(k, factors[k], peeled)) is not None}
            if self.layer and mean_in_layer([self.moves[k] for k in scales], [*scales.values()]):
                return self.known, set(scales)
            for reference in [1.0] if self.exact and peeled else sorted(set(scales.values())):
                same = {k for k, s in scales.items() if abs(s / reference - 1.0) < CLOSE}
                one = self.known and any(self._is_one(k, factors[k]) for k in same)
                rank, best = (len(same) == all_of_them, one, len(same)), (len(found[1]) == all_of_them, found[0], len(found[1]))
                if rank > best:
                    found = one, same
        return found

    def _is_one(self, k: int, factor: float | None) -> bool:
        """Whether a move is the true gradient times its rate; then so are those that move by as much, wherever their rate is.

        In 0.1 * a.T @ d the rate stands inside of the product, and the whole product counts as the gradient.
        """
        scale = self._scale(k, factor, True)
        if scale is not None and self.moves[k].how:  # behind an optimizer, the factor of the step says nothing
            return min(abs(scale - 1.0), abs((factor or 0.0) - 1.0)) < CLOSE
        return scale is not None and abs(scale - 1.0) < CLOSE

    def _scale(self, k: int, factor: float | None, peeled: bool) -> float | None:
        if factor is None or (factor < 0 and self.update_seen):
            return None
        piece = self.moves[k].pieces[0]
        return factor * abs(piece.factor) / (piece.rate if peeled else 1.0)
