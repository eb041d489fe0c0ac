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

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from clearprop.engines.compiled.lane_moves import fetch
from clearprop.engines.compiled.lanes import (
    INTERPRETED,
    TILE_LANES,
    TILE_ROWS,
    call_llvm,
    count,
    element,
    expanded,
    kind_of,
    load_vector,
    spread,
    store_vector,
    vector_type,
)

BLOCK = 112  # terms of a sum at a time: so many rows of a column of B, and of A, stay in the nearest cache


def _build(rows: int, registers: int, by_row: bool) -> Any:
    """The tile of a given shape, as a function that the compiler expands in place."""

    @intrinsic
    def tile(
        typing: Any, a: Any, offsets: Any, first_row: Any, column: Any, b: Any, b_start: Any, b_step: Any, depth: Any,
        c: Any, c_start: Any, c_step: Any, keep: Any, scale: Any, bias: Any, bias_start: Any,
    ) -> Any:  # fmt: skip
        kind = kind_of(a)

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            (a, offsets, first_row, column, b, b_start, b_step, depth, c, c_start, c_step, keep, scale, bias, bias_start) = (
                arguments
            )
            kinds = dict(zip(("a", "offsets", "b", "c", "bias"), (signature.args[i] for i in (0, 1, 4, 8, 13)), strict=True))
            vector = vector_type(context, kind)
            index = depth.type

            def number(value: int) -> Any:
                return ir.Constant(index, value)

            def at(name: str, array: Any, place: Any) -> Any:
                return element(context, builder, kinds[name], array, place)

            sums = [
                [cgutils.alloca_once_value(builder, ir.Constant(vector, None)) for _ in range(registers)] for _ in range(rows)
            ]
            starts = []
            if by_row:
                for r in range(rows):
                    offset = builder.load(at("offsets", offsets, builder.add(first_row, number(r))))
                    starts.append(at("a", a, builder.add(offset, column)))
            b_pointer = at("b", b, b_start)
            with cgutils.for_range(builder, depth) as loop:
                k = loop.index
                row_of_b = builder.gep(b_pointer, [builder.mul(k, b_step)])
                of_b = [load_vector(builder, builder.gep(row_of_b, [number(v * kind.count)]), vector) for v in range(registers)]
                if not by_row:
                    offset = builder.load(at("offsets", offsets, builder.add(first_row, k)))
                    here = at("a", a, builder.add(offset, column))
                for r in range(rows):
                    place = builder.gep(starts[r], [k]) if by_row else builder.gep(here, [number(r)])
                    of_a = spread(builder, vector, builder.load(place))
                    for v in range(registers):
                        total = call_llvm(builder, "fma", [of_a, of_b[v], builder.load(sums[r][v])])
                        builder.store(total, sums[r][v])
            factor = spread(builder, vector, context.cast(builder, scale, signature.args[12], kind.scalar))
            # C <- scale * sum, plus what is kept: nothing (0), the old C (1), or a bias (2)
            for r in range(rows):
                row_of_c = at("c", c, builder.add(c_start, builder.mul(c_step, number(r))))
                for v in range(registers):
                    place = builder.gep(row_of_c, [number(v * kind.count)])
                    kept = cgutils.alloca_once_value(builder, ir.Constant(vector, None))
                    with builder.if_then(builder.icmp_signed("==", keep, number(1))):
                        builder.store(load_vector(builder, place, vector), kept)
                    with builder.if_then(builder.icmp_signed("==", keep, number(2))):
                        shifted = at("bias", bias, builder.add(bias_start, number(v * kind.count)))
                        builder.store(load_vector(builder, shifted, vector), kept)
                    result = call_llvm(builder, "fma", [factor, builder.load(sums[r][v]), builder.load(kept)])
                    store_vector(builder, place, result)
            return context.get_dummy_value()

        return types.void(
            a, offsets, types.intp, types.intp, b, types.intp, types.intp, types.intp, c, types.intp, types.intp,
            types.intp, scale, bias, types.intp,
        ), generate  # fmt: skip

    return tile


def _interpret(rows: int, registers: int, by_row: bool) -> Any:
    """The same in NumPy, for `NUMBA_DISABLE_JIT=1`."""

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

    return tile


@expanded
def fetch_rows(a: Any, offsets: Any, first: int, last: int, column: int, depth: int, lanes: int) -> None:
    """Ask for the rows that the next tile reads: those of a shuffled batch lie where no processor expects them."""
    for r in range(first, last):
        for k in range(offsets[r] + column, offsets[r] + column + depth, lanes):
            fetch(a, k)


_make = _interpret if INTERPRETED else _build


def _sweep(rows: int, registers: int, by_row: bool) -> Any:
    """Tiles of one size, one below the other."""
    tile = _make(rows, registers, by_row)

    @expanded
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

    @expanded
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

    @expanded
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
            elif columns >= 2:
                pair_column(row, *given)
                lane += 2 * lanes
            else:
                one_column(row, *given)
                lane += lanes

    @njit
    def product(
        a: Any, offsets: Any, base: int, row: int, row_end: int, b: Any, b_start: int, b_step: int, depth: int,
        c: Any, c_start: int, c_step: int, lane: int, lane_end: int, keep: int, scale: float, bias: Any, bias_start: int,
        lanes: int,
    ) -> None:  # fmt: skip
        """C[row:row_end, lane:lane_end] <- kept + scale * A B, the rows of A (or of its transpose) from offsets[base] on.

        Every tile reads all rows of B that a block of the sum needs, so the blocks are made to stay in the nearest cache.
        """
        blocks = (depth + BLOCK - 1) // BLOCK
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
