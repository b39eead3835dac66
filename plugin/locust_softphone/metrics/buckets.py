"""How many durations fell into each bucket of a histogram: little memory for few durations, and no more for many.

    few of them     {number of the bucket: count}, some 100 bytes each
    many            an array with every bucket up to the highest that was met, 8 bytes each

Buckets are HdrHistogram's for 3 significant digits: the values below 2048 have one each, and from each power of two to
the next there are 1024.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator

__all__ = ["Buckets"]

FEW = 1000
"""Up to so many buckets a dictionary is smaller, or not much larger; and quicker to go through, if most are empty."""

_BITS = 11  # 2048 values are told apart, which holds 3 digits
_HALF = 1 << _BITS - 1


class Buckets:
    """Counts by bucket; ``counted`` is values with how often each was met."""

    __slots__ = ("_few", "_many")

    def __init__(self, counted: Iterable[tuple[int, int]] = ()) -> None:
        self._few: dict[int, int] = {}
        self._many: array[int] | None = None
        for value, count in counted:
            self.add(value, count)

    def add(self, value: int, count: int = 1) -> None:
        """Count a value, which is not negative, in its bucket."""
        shift = value.bit_length() - _BITS
        number = shift * _HALF + (value >> shift) if shift > 0 else value
        if self._many is None:
            few = self._few
            few[number] = few.get(number, 0) + count
            if len(few) > FEW:
                self._spread()
        else:
            self._add_to(self._many, ((number, count),))

    def merge(self, other: Buckets) -> None:
        """Count what the other has counted too."""
        if self._many is not None:
            self._add_to(self._many, other._numbered())
            return
        few = self._few
        for number, count in other._numbered():
            few[number] = few.get(number, 0) + count
        if len(few) > FEW:
            self._spread()

    def items(self) -> Iterator[tuple[int, int]]:
        """The lowest value of each bucket that is not empty, with its count."""
        for number, count in self._numbered():
            shift = max((number >> _BITS - 1) - 1, 0)
            yield number - shift * _HALF << shift, count

    def _numbered(self) -> Iterable[tuple[int, int]]:
        if self._many is None:
            return self._few.items()
        return [(number, count) for number, count in enumerate(self._many) if count]

    def _spread(self) -> None:
        self._many = array("q")
        self._add_to(self._many, self._few.items())
        self._few = {}

    @staticmethod
    def _add_to(many: array[int], numbered: Iterable[tuple[int, int]]) -> None:
        size = len(many)
        for number, count in numbered:
            if number >= size:
                many.frombytes(bytes((number + 1 - size) * many.itemsize))
                size = len(many)
            many[number] += count
