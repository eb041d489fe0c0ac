"""The channel between the process that judges and the one that runs a program: messages of JSON and arrays, never of objects.

A message is a mark that both sides agreed on before the program began, the lengths of its two parts, a JSON object, and the raw
bytes of the arrays that it speaks of. Nothing in it is executed.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from clearprop.arrays import Array
from clearprop.errors import ClearpropError

MARK: Final = 16
HEAD: Final = struct.Struct("<QQ")
KINDS: Final = "fiubc"  # kinds of arrays that are sent


class ChannelError(ClearpropError):
    """A message that is none, or the end of the channel."""


class Channel:
    """One end of a pair of pipes.

    Parameters
    ----------
    reads, writes : int
        File descriptors.
    mark : bytes
        The 16 bytes with which each message begins.
    largest : int
        Bytes of a message at most.
    """

    def __init__(self, reads: int, writes: int, mark: bytes, largest: int = 2**31) -> None:
        self.reads, self.writes, self.mark, self.largest = reads, writes, mark, largest

    def send(self, message: dict[str, Any], arrays: Sequence[Any] = ()) -> None:
        """Send a JSON-able object, and arrays."""
        head = json.dumps(message).encode("utf-8", "surrogatepass")
        parts = [np.ascontiguousarray(array) for array in arrays]
        size = sum(part.nbytes for part in parts)
        self._write(self.mark + HEAD.pack(len(head), size) + head)
        for part in parts:
            if part.nbytes:
                self._write(part.reshape(-1).view(np.uint8).data)

    def receive(self) -> tuple[dict[str, Any], memoryview]:
        """The next message, and the bytes of its arrays.

        Raises
        ------
        ChannelError
            If there is none any more, or what came is no message.
        """
        start = self._read(MARK + HEAD.size)
        lengths = HEAD.unpack(bytes(start[MARK:]))
        if bytes(start[:MARK]) != self.mark or sum(lengths) > self.largest:
            raise ChannelError("what came through the channel is no message")
        try:
            message = json.loads(bytes(self._read(lengths[0])).decode("utf-8", "surrogatepass"))
        except (ValueError, RecursionError):
            raise ChannelError("what came through the channel is no JSON") from None
        if not isinstance(message, dict):
            raise ChannelError("what came through the channel is no object of JSON")
        return message, memoryview(self._read(lengths[1]))

    def _write(self, data: Any) -> None:
        left = memoryview(data)
        while left:
            left = left[os.write(self.writes, left[: 2**20]) :]

    def _read(self, size: int) -> bytearray:
        found = bytearray()
        while len(found) < size:
            chunk = os.read(self.reads, min(size - len(found), 2**20))
            if not chunk:
                raise ChannelError("the channel was closed")
            found += chunk
        return found


def array_at(data: memoryview, kind: str, shape: Sequence[int], offset: int) -> Array:
    """An array out of the bytes of a message, as a copy.

    Raises
    ------
    ChannelError
        If there is none of that kind and shape.
    """
    try:
        dtype = np.dtype(str(kind))
        size = int(np.prod([int(n) for n in shape], dtype=np.float64))
        if dtype.kind not in KINDS or any(int(n) < 0 for n in shape) or not 0 <= offset <= len(data) - size * dtype.itemsize:
            raise ValueError
        return np.frombuffer(data, dtype, size, int(offset)).reshape([int(n) for n in shape]).copy()
    except (TypeError, ValueError, OverflowError):
        raise ChannelError(f"an array of kind {kind!r} and shape {shape!r} is not in the message") from None
