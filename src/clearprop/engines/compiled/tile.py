"""The tile: the one kernel that every matrix product is made of.

A product C = A B is computed in tiles of C that fit into registers: `rows` rows, each of `registers` registers. The tile
stays there while k runs along the sum,

    C[r, :] += A[r, k] * B[k, :]        for r in rows,

so that each register of B that is loaded serves all rows, and each number of A all columns; C is written once at the end.

Three products make up back-propagation, and all of them have this form, with rows of A found through a table of offsets
(`offsets[r]` is where row r begins, so that the rows of a shuffled batch are read where they lie):

    y  = x W          A = x:     row r of the batch, k along its units           `by_row=True`
    dx = dy W^T       A = dy:    likewise; B = W^T, transposed beforehand        `by_row=True`
    dW = x^T dy       A = x^T:   row r is a unit, k runs over the batch          `by_row=False`
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
from llvmlite import ir

from clearprop.engines.compiled.compiler.primitives import instruction
from clearprop.engines.compiled.compiler.values import INT, Value, cast, spread
from clearprop.engines.compiled.lane_moves import fetch, multiply_add
from clearprop.engines.compiled.lanes import (
    TILE_LANES,
    TILE_ROWS,
    count,
    element,
    kind_of,
    lanes_of,
    load_vector,
    store_vector,
)
from clearprop.engines.compiled.linkage import separate

BLOCK = 112  # terms of a sum at a time: so many rows of a column of B, and of A, stay in the nearest cache


class TileWriter:
    """The instructions of a tile of a given shape, written for one call."""

    def __init__(self, builder: Any, rows: int, registers: int, kind: Any) -> None:
        self.builder, self.rows, self.registers, self.kind = builder, rows, registers, kind
        with builder.goto_entry_block():
            self.places = [[builder.alloca(kind.ir_type) for _ in range(registers)] for _ in range(rows)]
        for row in self.places:
            for place in row:
                builder.store(ir.Constant(kind.ir_type, None), place)

    def number(self, value: int) -> Any:
        """An integer constant."""
        return INT.ir_type(value)

    def accumulate(self, starts: Any, b: Any, b_step: Any, k: Any) -> None:
        """Term k of the sums: `starts(k, r)` is where the number of A for row r lies."""
        builder, vector = self.builder, self.kind.ir_type
        row_of_b = builder.gep(b, [builder.mul(k, b_step)])
        of_b = [
            load_vector(builder, builder.gep(row_of_b, [self.number(v * self.kind.count)]), vector)
            for v in range(self.registers)
        ]
        for r, row in enumerate(self.places):
            of_a = spread(builder, vector, builder.load(starts(k, r)))
            for v, place in enumerate(row):
                builder.store(multiply_add(builder, of_a, of_b[v], builder.load(place)), place)

    def finish(self, c: Any, c_step: Any, keep: Any, scale: Any, bias: Any) -> None:
        """C <- scale * sum, plus what is kept: nothing (0), the old C (1), or a bias (2)."""
        builder, vector = self.builder, self.kind.ir_type
        factor = spread(builder, vector, scale)
        nothing = ir.Constant(vector, None)
        for r, row in enumerate(self.places):
            row_of_c = builder.gep(c, [builder.mul(c_step, self.number(r))])
            for v, place in enumerate(row):
                to = builder.gep(row_of_c, [self.number(v * self.kind.count)])
                kept = nothing
                for number, source in ((1, to), (2, builder.gep(bias, [self.number(v * self.kind.count)]))):
                    chosen = builder.icmp_signed("==", keep, self.number(number))
                    before = builder.block
                    with builder.if_then(chosen):
                        loaded = load_vector(builder, source, vector)
                        inside = builder.block
                    phi = builder.phi(vector)
                    phi.add_incoming(kept, before)
                    phi.add_incoming(loaded, inside)
                    kept = phi
                store_vector(builder, to, multiply_add(builder, factor, builder.load(place), kept))


@cache
def make_tile(rows: int, registers: int, by_row: bool) -> Any:
    """The tile of a given shape: C[rows, registers] <- kept + scale * A B."""

    def tile(
        a: Any, offsets: Any, first_row: int, column: int, b: Any, b_start: int, b_step: int, depth: int,
        c: Any, c_start: int, c_step: int, keep: int, scale: float, bias: Any, bias_start: int,
    ) -> None:  # fmt: skip
        width = registers * count(a.dtype)
        if by_row:
            left = np.array([[a[offsets[first_row + r] + column + k] for k in range(depth)] for r in range(rows)])
        else:
            left = np.array([[a[offsets[first_row + k] + column + r] for k in range(depth)] for r in range(rows)])
        right = np.array([b[b_start + k * b_step :][:width] for k in range(depth)])
        for r in range(rows):
            here = c[c_start + r * c_step :][:width]
            kept = here if keep == 1 else bias[bias_start:][:width] if keep == 2 else 0
            here[:] = kept + a.dtype.type(scale) * (left[r] @ right)

    @instruction(tile)
    def write(
        builder: Any, a: Value, offsets: Value, first_row: Any, column: Any, b: Value, b_start: Any, b_step: Any, depth: Any,
        c: Value, c_start: Any, c_step: Any, keep: Any, scale: Any, bias: Value, bias_start: Any,
    ) -> None:  # fmt: skip
        kind = kind_of(c)
        first_row, column, b_step, depth, c_step, keep = (
            cast(builder, part, INT).ir for part in (first_row, column, b_step, depth, c_step, keep)
        )
        writer = TileWriter(builder, rows, registers, kind)

        def begin(row: Any) -> Any:
            offset = builder.load(builder.gep(offsets.ir, [row]))
            return builder.gep(a.ir, [builder.add(offset, column)])

        firsts = [begin(builder.add(first_row, writer.number(r))) for r in range(rows)] if by_row else []
        b_pointer = element(builder, b, b_start)
        with loop(builder, depth) as k:
            here = None if by_row else begin(builder.add(first_row, k))

            def place(k: Any, r: int) -> Any:
                return builder.gep(firsts[r], [k]) if by_row else builder.gep(here, [writer.number(r)])

            writer.accumulate(place, b_pointer, b_step, k)
        factor = cast(builder, scale, kind.scalar).ir
        writer.finish(element(builder, c, c_start), c_step, keep, factor, element(builder, bias, bias_start))

    return tile


@contextmanager
def loop(builder: Any, n: Any) -> Iterator[Any]:
    """A loop of n rounds; yields the number of the round."""
    before = builder.block
    test, body, after = (builder.append_basic_block(name) for name in ("test", "body", "after"))
    builder.branch(test)
    builder.position_at_end(test)
    k = builder.phi(INT.ir_type)
    k.add_incoming(INT.ir_type(0), before)
    builder.cbranch(builder.icmp_signed("<", k, n), body, after)
    builder.position_at_end(body)
    yield k
    k.add_incoming(builder.add(k, INT.ir_type(1), flags=("nsw",)), builder.block)
    builder.branch(test)
    builder.position_at_end(after)


def fetch_rows(a: Any, offsets: Any, first: int, last: int, column: int, depth: int, lanes: int) -> None:
    """Ask for the rows that the next tile reads: those of a shuffled batch lie where no processor expects them."""
    for r in range(first, last):
        for k in range(offsets[r] + column, offsets[r] + column + depth, lanes):
            fetch(a, k)


def _sweep(rows: int, registers: int, by_row: bool) -> Any:
    """Tiles of one size, one below the other."""
    tile = make_tile(rows, registers, by_row)

    def sweep(
        row: int, row_end: int, a: Any, offsets: Any, base: int, column: int, b: Any, b_start: int, b_step: int, depth: int,
        c: Any, c_start: int, c_step: int, keep: int, scale: float, bias: Any, bias_start: int, lanes: int, ahead: bool,
    ) -> int:  # fmt: skip
        """As many as there are rows for; returns the first row that is left.

        If some are left, and nothing is added to C, a last tile takes them together with rows that are finished already.
        """
        again = by_row and keep != 1 and row_end - row >= rows
        while row_end - row >= rows or (again and row < row_end):
            row = min(row, row_end - rows)
            first, start = (base + row, column) if by_row else (base, column + row)
            if by_row and ahead and row_end - row >= 2 * rows:
                fetch_rows(a, offsets, first + rows, first + 2 * rows, start, depth, lanes)
            to = c_start + row * c_step
            tile(a, offsets, first, start, b, b_start, b_step, depth, c, to, c_step, keep, scale, bias, bias_start)
            row += rows
        return row

    return sweep


def _column(sizes: tuple[int, ...], registers: int, by_row: bool) -> Any:
    """Tiles of several sizes, the largest first, until no row is left."""
    first, second, third, last = (_sweep(rows, registers, by_row) for rows in sizes)

    def column(row: int, *given: Any) -> None:
        row = first(row, *given)
        row = second(row, *given)
        row = third(row, *given)
        last(row, *given)

    return column


def _products(by_row: bool) -> Any:
    """The whole product, made of columns of tiles of three widths."""
    wide_column, pair_column = (_column(TILE_ROWS, registers, by_row) for registers in (TILE_LANES, 2))
    # A single register needs more rows: with few, each sum would wait for its own last addition.
    one_column = _column((2 * TILE_ROWS[0], *TILE_ROWS[:2], 1), 1, by_row)

    def block(
        a: Any, offsets: Any, base: int, row: int, row_end: int, column: int, b: Any, b_start: int, b_step: int, depth: int,
        c: Any, c_start: int, c_step: int, lane: int, lane_end: int, keep: int, scale: float, bias: Any, bias_start: int,
        lanes: int, ahead: bool,
    ) -> None:  # fmt: skip
        """A part of the sum over k, column by column."""
        first_lane = lane
        while lane < lane_end:
            columns = (lane_end - lane) // lanes
            to, bs, cs, first = c_start + lane, b_start + lane, bias_start + lane, ahead and lane == first_lane
            given = (
                row_end, a, offsets, base, column, b, bs, b_step, depth, c, to, c_step, keep, scale, bias, cs, lanes, first,
            )  # fmt: skip
            if columns >= TILE_LANES:
                wide_column(row, *given)
                lane += TILE_LANES * lanes
            elif TILE_LANES > 2 and columns >= 2:
                pair_column(row, *given)
                lane += 2 * lanes
            else:
                one_column(row, *given)
                lane += lanes

    @separate
    def product(
        a: Any, offsets: Any, base: int, row: int, row_end: int, b: Any, b_start: int, b_step: int, depth: int,
        c: Any, c_start: int, c_step: int, lane: int, lane_end: int, keep: int, scale: float, bias: Any, bias_start: int,
    ) -> None:  # fmt: skip
        """C[row:row_end, lane:lane_end] <- kept + scale * A B, the rows of A (or of its transpose) from offsets[base] on.

        Every tile reads all rows of B that a block of the sum needs, so the blocks are made to stay in the nearest cache.
        """
        lanes, blocks = lanes_of(c), (depth + BLOCK - 1) // BLOCK
        size = (depth + blocks - 1) // blocks
        for k in range(0, depth, size):
            first, start = (base, k) if by_row else (base + k, 0)
            block(
                a, offsets, first, row, row_end, start, b, b_start + k * b_step, b_step, min(size, depth - k),
                c, c_start, c_step, lane, lane_end, keep if k == 0 else 1, scale, bias, bias_start, lanes,
                blocks > 1,
            )  # fmt: skip

    return product


row_product = _products(by_row=True)
sum_product = _products(by_row=False)
