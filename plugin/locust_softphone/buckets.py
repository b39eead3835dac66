"""How many durations fell into each bucket of a histogram: little memory for few durations, and no more for many.

    few of them     {lowest value of the bucket: count}, some 100 bytes each
    many            an array with every bucket up to the highest that was met, 8 bytes each

Buckets are HdrHistogram's for 3 significant digits: the values below 2048 have one each, and from each power of two to
the next there are 1024.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping

__all__ = ["Buckets", "lowest_equivalent"]

FEW = 500
"""Up to so many buckets a dictionary is smaller, or not much larger."""

_BITS = 11  # 2048 values are told apart, which holds 3 digits
_HALF = 1 << _BITS - 1


def lowest_equivalent(value: int) -> int:
    """The lowest value that is counted in the same bucket."""
    shift = value.bit_length() - _BITS
    return value >> shift << shift if shift > 0 else value


class Buckets:
    """Counts by bucket, each named by its lowest value."""

    __slots__ = ("_few", "_many")

    def __init__(self, counts: Mapping[int, int]) -> None:
        self._few = dict(counts)
        self._many: array[int] | None = None

    def add(self, lowest: int, count: int) -> None:
        if self._many is not None:
            self._add_to(self._many, lowest, count)
            return
        few = self._few
        few[lowest] = few.get(lowest, 0) + count
        if len(few) > FEW:
            self._many = many = array("q")
            for each, counted in few.items():
                self._add_to(many, each, counted)
            few.clear()

    def items(self) -> Iterator[tuple[int, int]]:
        """Each bucket that is not empty, with its count."""
        yield from self._few.items()
        for index, count in enumerate(self._many or ()):
            if count:
                shift = max((index >> _BITS - 1) - 1, 0)
                yield index - shift * _HALF << shift, count

    @staticmethod
    def _add_to(many: array[int], lowest: int, count: int) -> None:
        shift = max(lowest.bit_length() - _BITS, 0)
        index = shift * _HALF + (lowest >> shift)
        if index >= len(many):
            many.frombytes(bytes((index + 1 - len(many)) * many.itemsize))
        many[index] += count
