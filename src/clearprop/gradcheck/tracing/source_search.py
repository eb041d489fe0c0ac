"""The search for the mistake in the source: which other expression makes the gradients right.

An expression counts if its value becomes the derivative of something, at all points, and if more gradients of the round are
right after the replay than before, and none that was right is wrong. Of several, the best is the one that makes most
gradients and most named values right; then the most common mistake.
"""

from __future__ import annotations

import ast
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.tracing.arithmetic import CannotCompute
from clearprop.gradcheck.tracing.common_factors import CLOSE
from clearprop.gradcheck.tracing.consistency import Consistency
from clearprop.gradcheck.tracing.naming_edits import NamingEdits
from clearprop.gradcheck.tracing.nonlinear import find_bends
from clearprop.gradcheck.tracing.replay import Replay, Values
from clearprop.gradcheck.tracing.sheet import Arrays, Sheet, Target
from clearprop.gradcheck.tracing.sites import LineRun, Site, find_sites
from clearprop.gradcheck.tracing.source_edits import SourceEdit, StructureEdits, replaced
from clearprop.gradcheck.tracing.trace import Vertex, value_of
from clearprop.gradcheck.tracing.trial_points import Point, same_direction
from clearprop.gradcheck.tracing.wording import Words

SECONDS: Final = 2.5
MOST_SECONDS: Final = 4.0  # of all searches of a program, as losses that are only supposed are tried in turn;
LEAST_SECONDS: Final = 0.4  # of each
AFTERWARDS: Final = 0.7  # once one explains everything
FIRST_RUNS: Final = 6  # among which one must differ,
LATE_RUNS: Final = 8  # or among so many of the later ones
BLIND: Final = 0.7  # of them for expressions that need not be derivatives;
BLIND_ALONE: Final = 1.2  # where nothing else was found
LIKELIER: Final = 0.3  # than an explanation, so that an edit beside a derivative is tried as well
EXACTLY: Final = 1e-9  # relative difference, but for which gradients are the same
DROWNED: Final = 1.5
MOST_NAMED: Final = 10  # explanations whose named values are counted


@dataclass(eq=False)
class SourceExplanation:
    """An expression that makes gradients right.

    Attributes
    ----------
    site : Site
    edit : SourceEdit
    right : set of int
        Numbers of the moves that are right after it.
    prior : float
    named : int
        Number of named values that become derivatives by it.
    exact : bool
        Whether the gradients are then those of the loss itself, not only up to a factor that all share.
    """

    site: Site
    edit: SourceEdit
    right: set[int]
    prior: float
    after: list[Values] = field(default_factory=list)
    named: int = 0
    exact: bool = False


class SourceSearch:
    """Searches one sheet.

    Parameters
    ----------
    sheet : Sheet
    words : Words
    consistency : Consistency
    skipped : set of int
        Numbers of moves that are not to be explained.
    """

    def __init__(self, sheet: Sheet, words: Words, consistency: Consistency, skipped: set[int]) -> None:
        self.sheet, self.words, self.consistency, self.graph = sheet, words, consistency, sheet.graph
        self.factors = sheet.factors()
        self.at_one, self.before = consistency.best(self.factors)
        self.wrong = [k for k in consistency.matter if k not in self.before and k not in skipped]
        self.exactly = False
        right = [self.graph.rep(g) for k in self.before for g in sheet.moves[k].gradients]
        self.trusted = self.graph.ancestors(right, sheet.cuts) if self.at_one or not consistency.known else set()
        self.replay = Replay(sheet)
        self.sign = next((np.sign(sheet.moves[k].pieces[0].factor) for k in self.wrong), 1.0)
        self.sites: list[Site] = []
        self.seen: dict[Any, SourceExplanation | None] = {}
        self.kept: list[SourceExplanation] = []

    def found(self, given: list[Site] | None = None) -> list[SourceExplanation]:
        """Explanations, best first; at given sites, or at all of the backward pass."""
        if not self.wrong:
            return []
        started = time.process_time()
        gradients = [self.graph.rep(g) for k in self.wrong for g in self.sheet.moves[k].gradients]
        sites = self.sites = find_sites(self.sheet, self.words, gradients) if given is None else given
        tried = [site for site in sites if self.replay.unchanged(site, self._suspect(site))]
        kept: list[SourceExplanation] = []
        bends = find_bends(self.sheet) if tried else []
        blind: list[tuple[float, Site, SourceEdit, ast.expr]] = []
        until = started + max(min(SECONDS, MOST_SECONDS - self.words.searched), LEAST_SECONDS)
        for site in sorted(tried, key=self._order):
            if self._innocence(site) == 2 and self._explained(kept) and any(self._innocence(each.site) < 2 for each in kept):
                break
            for edit in sorted(self.edits(site, bends), key=lambda each: each.prior):
                if time.process_time() > until:
                    break
                self._try(site, edit, kept, blind)
            if self._explained(kept):
                until = min(until, time.process_time() + AFTERWARDS)
        usual = min((each.prior for each in kept), default=np.inf) if self._explained(kept) else np.inf
        self._try_blind([each for each in blind if each[0] < usual - LIKELIER], kept)
        self.words.searched += time.process_time() - started
        self.kept = kept
        return self._ranked(kept)

    def further(self, explained: set[int]) -> list[SourceExplanation]:
        """Explanations of other gradients than those that are explained, best first."""
        return self._ranked([each for each in self.kept if not (each.right - self.before) & explained])

    def first_wrong(self) -> tuple[str, int] | None:
        """File and line of the first statement, in the order in which they ran, whose value is no derivative."""
        wrong = [(run.scope.before, site) for site in self.sites for run in site.runs if self._is_wrong(run.vertex)]
        return min(((when, site.file, site.node.lineno) for when, site in wrong if not site.alias), default=(0, "", 0))[1:]

    def _is_wrong(self, vertex: Vertex) -> bool:
        """Whether a value is no derivative; one that is 0 because some data are, as -t / y for t = 0, may be one."""
        if vertex not in self.sheet.live or vertex.fn is None or self.sheet.right(vertex):
            return False
        given = [value_of(arg) for arg in vertex.args if not isinstance(arg, Vertex) or arg not in self.sheet.live]
        numbers = [number for number in given if isinstance(number, (int, float, np.ndarray, np.generic))]
        return any(np.any(a) for a in self.sheet.arrays(vertex)) or all(np.any(number) for number in numbers)

    def _explained(self, kept: list[SourceExplanation]) -> bool:
        """Whether one explanation makes all gradients right."""
        known = self.consistency.known
        return any(len(each.right) == len(self.consistency.matter) and each.exact >= known for each in kept)

    def _order(self, site: Site) -> tuple[bool, int, float]:
        """Where a site stands in the search: the guilty in the order in which they ran; of the innocent, the last one first.

        Where every value is a derivative of something, what is wrong comes after them: a factor is missing on the way to the
        gradient, and the last lines are nearest to it.
        """
        innocence = self._innocence(site)
        return self._cleared(site), innocence, self._first_time(site) * (-1 if innocence == 2 else 1)

    def _innocence(self, site: Site) -> int:
        """0 if a site made what is no derivative; 2 if all is derivatives of the loss itself, as far as it is known; else 1."""
        if not self._innocent(site):
            return 0
        exact = self.at_one and self.consistency.known
        return 2 if not exact or all(self._fits(run.vertex, exact=True) for run in site.runs) else 1

    def _innocent(self, site: Site) -> bool:
        """Whether all that a site made is a derivative, so that it is looked at last."""
        return not site.alias and all(self._fits(run.vertex) for run in site.runs)

    def _cleared(self, site: Site) -> bool:
        """Whether what a site made goes into a gradient that is right, and so can hardly be wrong."""
        own = {run.own for run in site.runs}
        alone = [run.vertex for run in site.runs if set(self.graph.all_of(run.vertex)) <= own]
        return any(vertex in self.trusted for vertex in (site.vertices if site.alias else alone))

    def _first_time(self, site: Site) -> float:
        """The time at which a site first makes what is no derivative: in a loop over time steps, the guilty one comes first."""
        wrong = [run.scope.before for run in site.runs if site.alias or not self._fits(run.vertex)]
        return min(wrong, default=site.runs[0].scope.before)

    def _fits(self, vertex: Vertex, exact: bool = False) -> bool:
        """Whether a value is the derivative of something, not transposed; with `exact`, not a multiple of it."""
        return any(
            (not exact or abs(factor - 1.0) < CLOSE) and same_direction(self.sheet.arrays(vertex), target.arrays) is not None
            for target, factor in self.sheet.matches(vertex)
        )

    def edits(self, site: Site, bends: list[Any]) -> Iterator[SourceEdit]:
        """All edits of a site."""
        structure = StructureEdits(site.tree)
        naming = NamingEdits(site, self.replay, bends)
        for node in ast.walk(site.node):
            if isinstance(node, ast.expr):
                parent = site.tree.parents.get(node)
                if parent is None and node is not site.node:
                    continue  # a part of what writes into an array, not in the source
                if not (isinstance(node, ast.UnaryOp) and _in_index(node, site)):
                    yield from structure.of(node)
                if _in_index(node, site):
                    yield from naming.of_index(node, parent)
                else:
                    yield from naming.of(node, parent)

    def _suspect(self, site: Site) -> LineRun:
        """The first time at which the site's value is no derivative of anything; else the first."""
        return next((run for run in site.runs if not self.sheet.right(run.vertex)), site.runs[0])

    def _try(self, site: Site, edit: SourceEdit, kept: list[SourceExplanation], blind: list[Any]) -> None:
        """Keep an edit if it makes gradients right."""
        new = replaced(site.node, edit.node, edit.new) if edit.node is not site.node else edit.new
        try:
            run, first = self._first_change(site, new)
            last = first if run is site.runs[-1] else self.replay.at(site, site.runs[-1], new, 0)
            key = (site, run, first.shape, np.round(first, 9).tobytes(), np.round(last, 9).tobytes())
            if key in self.seen:
                same = self.seen[key]
                if same is not None:
                    kept.append(replace(same, edit=edit, prior=same.prior - same.edit.prior + edit.prior))
                return
            self.seen[key] = None
            if edit.assigned or self._near(first):
                made = [first, *(self.replay.at(site, run, new, k) for k in range(1, len(self.sheet.points)))]
                if edit.assigned or self.sheet.matches_of(made):
                    self.seen[key] = self._keep(site, edit, new, kept)
                    return
        except CannotCompute:
            return
        blind.append((edit.prior, site, edit, new))

    def _first_change(self, site: Site, new: ast.expr) -> tuple[LineRun, Array]:
        """The first time at which an expression gives something else than the site's own, and what.

        Raises
        ------
        CannotCompute
            If there is none, or it cannot be computed.
        """
        late = site.runs[FIRST_RUNS :: max(len(site.runs) // LATE_RUNS, 1)]  # in nested loops, the first ones may be alike
        for run in [*site.runs[:FIRST_RUNS], *late]:
            made, old = self.replay.at(site, run, new, 0), np.asarray(self.replay.base(0, run.vertex))
            if made.shape != old.shape or not np.allclose(made, old, rtol=1e-9, atol=1e-13):
                return run, made
        raise CannotCompute("it makes no difference")

    def _near(self, array: Array) -> bool:
        """Whether an array may be proportional to a derivative, by its values at the first point."""
        if array.size < 2:
            return True
        directions = self._directions(array.size)
        flat = array.ravel()
        length = float(np.linalg.norm(flat))
        if not len(directions) or length < 1e-300:
            return False
        forms = [flat] if array.ndim != 2 else [flat, array.T.ravel()]
        return any(bool(np.any(np.abs(directions @ form) > (1.0 - 1e-9) * length)) for form in forms)

    def _directions(self, size: int) -> Array:
        known = self.__dict__.setdefault("_known", {})
        if size not in known:
            rows = [np.ravel(target.arrays[0]) for target in self.sheet.targets(size)]
            lengths = [float(np.linalg.norm(row)) or 1.0 for row in rows]
            known[size] = np.array([row / length for row, length in zip(rows, lengths, strict=True)]).reshape(len(rows), size)
        return known[size]

    def _keep(self, site: Site, edit: SourceEdit, new: ast.expr, kept: list[SourceExplanation]) -> SourceExplanation | None:
        """Keep an edit if more gradients are right after it; else None."""
        answer = self.replay.factors(site, new)
        if answer is None:
            return None
        factors, after = answer
        at_one, right = self.consistency.best(factors)
        kept_up = at_one >= self.at_one or all(self._same(factors[k], self.factors[k]) for k in self.before)
        gained = kept_up and len(right) > len(self.before) and any(k in right for k in self.wrong)
        self.exactly = at_one
        if gained and (self.before <= right or len(right) == len(self.consistency.matter)):
            prior = edit.prior + self._unlikely(site, edit) + 0.3 * self._misshapen(right, after[0])
            prior += DROWNED * self._drowned(right, after)
            found = SourceExplanation(site, edit, right, prior, after, exact=at_one)
            kept.append(found)
            return found
        return None

    def _same(self, one: float | None, other: float | None) -> bool:
        return one is not None and other is not None and abs(one / other - 1.0) < CLOSE

    def _misshapen(self, right: set[int], after: Values) -> bool:
        """Whether a gradient that was made right has another shape than its parameter."""
        pieces = [piece for k in right - self.before for piece in self.sheet.moves[k].pieces]
        made = [(after.get(self.graph.rep(piece.gradient), piece.gradient.value), piece.moved.shape) for piece in pieces]
        return any(np.shape(value) != shape for value, shape in made)

    def _drowned(self, right: set[int], after: list[Values]) -> bool:
        """Whether a gradient that was made right is so only nearly: a wrong term may be drowned by one that was made large."""
        points = [Point(self.graph, values) for values in after]
        for k in right - self.before:
            claimed = [point.claimed(self.sheet.moves[k]) for point in points]
            if same_direction(claimed, self.sheet.true[k], EXACTLY) is None:
                return True
        return False

    def _unlikely(self, site: Site, edit: SourceEdit) -> float:
        """The part of the prior that depends on the site: a right value is hardly at fault, a mere name easily."""
        if edit.slug == "operand-other" and all(self.factors[k] is not None for k in self.wrong):
            return 0.6  # only a factor is wrong: another array that has it is a coincidence
        if site.alias:
            return 0.3 if edit.slug in ("sign", "factor") else -0.2
        return 0.3 * self._innocent(site)

    def _try_blind(self, blind: list[tuple[float, Site, SourceEdit, ast.expr]], kept: list[SourceExplanation]) -> None:
        """Edits of expressions that are no derivatives, as they need not be where several lines belong together.

        A derivative is edited last, and only if nothing else explains anything: it may be one by chance.
        """
        started = time.process_time()
        for innocent, _, site, edit, new in sorted(((self._innocent(each[1]), *each) for each in blind), key=lambda e: e[:2]):
            if time.process_time() - started > (BLIND if kept or self.words.searched > SECONDS else BLIND_ALONE):
                return
            if not (innocent and kept):
                self._keep(site, edit, new, kept)

    def _ranked(self, kept: list[SourceExplanation]) -> list[SourceExplanation]:
        most = max((len(each.right) for each in kept), default=0)
        best = sorted((each for each in kept if len(each.right) == most), key=lambda each: (not each.exact, each.prior))
        for each in best[:MOST_NAMED]:
            each.named = self._named(each)
        return sorted(best, key=lambda each: (not each.exact, -each.named, each.prior))

    def _named(self, found: SourceExplanation) -> int:
        """The number of named values that are derivatives after the edit, less those that were before."""
        count = 0
        region = self.graph.descendants(found.site.vertices, self.sheet.backward)
        for vertex in [v for v in region if v.names and v.floating and v not in self.sheet.forward][:40]:
            arrays = [np.asarray(values[vertex], dtype=np.float64) for values in found.after if vertex in values]
            if len(arrays) == len(self.sheet.points):
                count += self._is_right(self.sheet.matches_of(arrays), arrays)
                count -= self._is_right(self.sheet.matches(vertex), self.sheet.arrays(vertex))
        return count

    def _is_right(self, matches: list[tuple[Target, float]], arrays: Arrays) -> bool:
        """Whether one of the derivatives that a value is proportional to has its shape and the sign that gradients have here.

        If the loss is known, the value must be the derivative itself.
        """
        same = [factor for target, factor in matches if same_direction(arrays, target.arrays) is not None]  # not transposed
        return any(abs(factor - 1.0) < CLOSE if self.exactly else factor * self.sign > 0 for factor in same)


def _in_index(node: ast.AST, site: Site) -> bool:
    """Whether a node stands within an index."""
    while node is not site.node:
        parent = site.tree.parents.get(node)
        if parent is None or isinstance(parent, ast.stmt):
            return False
        if isinstance(parent, ast.Subscript) and parent.slice is node:
            return True
        node = parent
    return False
