"""Counters for each second of a run, however long it is: what is long past takes next to no memory.

    now and shortly before    {second: Counter}, half a minute in a block
    before that               each block as deflated JSON: some 100 bytes a second where the counters take 2,000

A block is opened again when something is counted in it after all: a worker that tells late, a call that was planned
long before it was answered.
"""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Iterator
from typing import Any, Generic, TypeVar

__all__ = ["CounterSeries"]

BLOCK_S = 30
_FASTEST = 1  # of zlib's levels: a block is packed while softphones wait, and level 9 saves only another tenth

K = TypeVar("K", bound=int | str)


class CounterSeries(Generic[K]):
    """Counters by second; their names are strings or whole numbers."""

    __slots__ = ("_blocks", "_newest")

    def __init__(self) -> None:
        self._blocks: dict[int, dict[int, Counter[K]] | bytes] = {}
        self._newest = -1

    def at(self, second: int) -> Counter[K]:
        """The counters of a second, to count in at once: later they may be others."""
        seconds = self._blocks.get(second // BLOCK_S)
        if not isinstance(seconds, dict):
            seconds = self._open(second // BLOCK_S)
        counts = seconds.get(second)
        if counts is None:
            counts = seconds[second] = Counter()
        return counts

    def items(self, since: int = 0) -> Iterator[tuple[int, Counter[K]]]:
        """Each second from ``since`` on in which something was counted, in order, with its counters, to read."""
        for block in sorted(self._blocks):
            if (block + 1) * BLOCK_S > since:
                seconds = self._blocks[block]
                opened = seconds if isinstance(seconds, dict) else _unpacked(seconds)
                yield from ((second, opened[second]) for second in sorted(opened) if second >= since)

    def plain(self) -> list[list[K | int]]:
        """Second, name, count, name, count, … for each second, in order: as it is packed, no counters made of it."""
        plain: list[list[K | int]] = []
        for block in sorted(self._blocks):
            seconds = self._blocks[block]
            plain += _opened(seconds) if isinstance(seconds, bytes) else _plain(seconds)
        return plain

    @property
    def last(self) -> int:
        """The last second in which something was counted, or -1."""
        return max((second for second, _ in self.items(self._newest * BLOCK_S)), default=-1)

    def merge(self, other: CounterSeries[K]) -> None:
        for second, counts in other.items():
            self.at(second).update(counts)

    def _open(self, block: int) -> dict[int, Counter[K]]:
        packed = self._blocks.get(block)
        opened = self._blocks[block] = _unpacked(packed) if isinstance(packed, bytes) else {}
        if block > self._newest:
            self._newest = block
            for each, seconds in self._blocks.items():
                if each < block - 1 and isinstance(seconds, dict):
                    self._blocks[each] = _packed(seconds)
        return opened


def _packed(seconds: dict[int, Counter[K]]) -> bytes:
    return zlib.compress(json.dumps(_plain(seconds), separators=(",", ":")).encode(), _FASTEST)


def _plain(seconds: dict[int, Counter[K]]) -> list[list[K | int]]:
    return [[second, *(part for pair in seconds[second].items() for part in pair)] for second in sorted(seconds)]


def _opened(packed: bytes) -> list[Any]:
    plain: list[Any] = json.loads(zlib.decompress(packed))
    return plain


def _unpacked(packed: bytes) -> dict[int, Counter[K]]:
    return {second: Counter(dict(zip(parts[::2], parts[1::2], strict=True))) for second, *parts in _opened(packed)}
