"""Layers and a loss that belong together: a factor 1/B may stand in either."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from clearprop.gradcheck.tracing.conventions.convention import FAILURES, Convention, DrivenUnit, NotCalledError, forget
from clearprop.gradcheck.tracing.conventions.instances import method_names
from clearprop.gradcheck.tracing.conventions.value_trees import Triple, arrays_of, as_it_is, matched_by_name
from clearprop.gradcheck.tracing.guesses import N_IN, N_OUT, Pool, pools, required
from clearprop.gradcheck.tracing.judge import Ruling
from clearprop.gradcheck.tracing.traced import Traced

HIDDEN = 5


class LayerChains(Convention):
    """A linear layer class `(n_in, n_out)` and a loss class whose `backward()` takes nothing."""

    def units(self, used: set[str]) -> Iterator[DrivenUnit]:
        """The first layer and the first loss, if they work together."""
        losses = [
            n
            for n, c in self.classes.items()
            if "backward" in method_names(c) and (len(_own(c, "forward")), len(_own(c, "backward"))) == (2, 0)
        ]
        dense = [
            n
            for n, c in self.classes.items()
            if (len(_own(c, "forward")), len(_own(c, "backward"))) == (1, 1) and len(required(c.__init__)) == 3
        ]
        if losses and dense:
            try:
                found = self._check(self.classes[dense[0]], self.classes[losses[0]])
            except FAILURES:
                return
            if found.verdict != "inconclusive":
                yield DrivenUnit(f"{dense[0]} and {losses[0]}", "layers with their loss", lambda: found, {dense[0], losses[0]})

    def _check(self, dense: Any, loss_class: Any) -> Ruling:
        last: BaseException = NotCalledError("no layout of the data was tried")
        for make in pools(seed=self.seed):
            forget()
            pool = make()
            try:
                return self._once([dense(N_IN, HIDDEN), dense(HIDDEN, N_OUT)], loss_class(), pool)
            except FAILURES as error:
                last = error
        raise NotCalledError(str(last))

    def _once(self, layers: list[Any], loss: Any, pool: Pool) -> Ruling:
        x, parameters = pool.X, [as_it_is(arrays_of(layer)) for layer in layers]
        for layer in layers:
            x = layer.forward(x)
        value = loss.forward(x, pool.Y)
        if not isinstance(value, Traced) or value.size != 1:
            raise NotCalledError("its loss is no number")
        g = loss.backward()
        for layer in layers[::-1]:
            g = layer.backward(g)
        triples: list[Triple] = []
        for k, (layer, own) in enumerate(zip(layers, parameters, strict=True), 1):
            rest = {n: a for n, a in arrays_of(layer).items() if n not in own}
            triples += [(f"{n} of layer {k}", p, c) for n, p, c in matched_by_name(own, rest)]
        return self.judged_triples(triples, value)


def _own(kind: Any, method: str) -> list[str]:
    return [n for n in required(getattr(kind, method, lambda: None)) if n != "self"]
