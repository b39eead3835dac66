"""A histogram of durations, with HdrHistogram's buckets: the relative error is bounded, and merging loses nothing.

    bits    buckets                                                     a value is off by at most
     11     0 … 2047 µs one each, then 1024 for each power of two       1/1024: 3 significant digits
      7     0 …  127 µs one each, then   64 for each power of two       1/64: 1.6 %, for one histogram per second

All durations in a bucket count as its highest value. Counts are kept in a dictionary while few buckets are in use
(about 100 bytes each), then in an array of all buckets up to the highest one (8 bytes each). HdrHistogram itself only
encodes and decodes: recording with it takes ten times as long.
"""

from __future__ import annotations

import base64
import struct
import zlib
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, compress

from hdrh.histogram import HdrHistogram

__all__ = ["COARSE_BITS", "PERCENTILES", "RESOLUTION", "Histogram"]

PERCENTILES = {"p50": 50.0, "p90": 90.0, "p95": 95.0, "p99": 99.0, "p99_9": 99.9}
"""The percentiles that a summary has, by name."""

COARSE_BITS = 7
FINE_BITS = 11
RESOLUTION = 1 / (1 << FINE_BITS - 1)
"""The largest relative error of a duration."""

FEW = 1000
"""With more buckets than this in use, an array is not much larger than a dictionary."""

_MICROSECONDS = 1_000_000
_LONGEST = 3600 * _MICROSECONDS
_SIGNIFICANT_DIGITS = 3

_PAYLOAD_AT = 8
"""Where the compressed payload begins in an encoded histogram, after its cookie and length."""

_SETTINGS = struct.Struct(">12xIQQ")
"""In the decompressed payload: significant digits, lowest and highest value."""

_LARGEST_PAYLOAD = 256 * 1024
"""Bytes: 25,000 buckets, each with a count of at most 9 bytes."""


class Histogram:
    """Counts of durations. Those above an hour count as an hour, negative ones as zero.

    Args:
        counted: pairs of microseconds and a count.
        bits: how many significant bits of a duration are kept.
    """

    __slots__ = ("_bits", "_few", "_half", "_many")

    def __init__(self, counted: Iterable[tuple[int, int]] = (), *, bits: int = FINE_BITS) -> None:
        self._bits = bits
        self._half = 1 << bits - 1
        self._few: dict[int, int] = {}  # number of the bucket: count
        self._many: array[int] | None = None
        for value, count in counted:
            self.record(value / _MICROSECONDS, count)

    def record(self, seconds: float, times: int = 1) -> None:
        """Count a duration."""
        value = round(seconds * _MICROSECONDS)
        if value > _LONGEST:
            value = _LONGEST
        elif value < 0:
            value = 0
        shift = value.bit_length() - self._bits
        number = shift * self._half + (value >> shift) if shift > 0 else value
        many = self._many
        if many is None:
            few = self._few
            few[number] = few.get(number, 0) + times
            if len(few) > FEW:
                self._use_array()
        elif number < len(many):
            many[number] += times
        else:
            self._add_to_array(many, ((number, times),))

    def merge(self, other: Histogram) -> None:
        """Add the counts of another histogram with as many bits."""
        if self._many is not None:
            self._add_to_array(self._many, other._buckets())
            return
        few = self._few
        for number, count in other._buckets():
            few[number] = few.get(number, 0) + count
        if len(few) > FEW:
            self._use_array()

    def __len__(self) -> int:
        return sum(self._few.values() if self._many is None else self._many)

    def items(self) -> Iterator[tuple[int, int]]:
        """The lowest value of each bucket in use, in microseconds, and its count; in no order."""
        for number, count in self._buckets():
            shift = max(number // self._half - 1, 0)
            yield number - shift * self._half << shift, count

    def counts(self) -> dict[float, int]:
        """The count of each bucket in use, by its lowest value in seconds."""
        return {value / _MICROSECONDS: count for value, count in self.items()}

    def count_above(self, seconds: float) -> int:
        """How many durations are longer."""
        limit = round(seconds * _MICROSECONDS)
        return sum(count for value, count in self.items() if value > limit)

    def percentile_s(self, percent: float) -> float:
        """The duration that ``percent`` per cent of all durations do not exceed, in seconds; 0 if there are none."""
        return next(iter(self._percentiles_s([percent])[1]), 0.0)

    def summary(self, points: Iterable[str] = (*PERCENTILES, "max")) -> dict[str, float]:
        """The count, and percentiles and maximum in seconds; only the count if there are no durations."""
        percents = {point: PERCENTILES.get(point, 100.0) for point in points}
        total, durations_s = self._percentiles_s(percents.values())
        return {"count": total, **dict(zip(percents, durations_s, strict=False))}

    def _percentiles_s(self, percents: Iterable[float]) -> tuple[int, list[float]]:
        """The count, and from one pass over the buckets the percentiles; none without durations."""
        if self._many is None:
            numbers: Sequence[int] = sorted(self._few)
            counts: Iterable[int] = map(self._few.__getitem__, numbers)
        else:
            numbers, counts = range(len(self._many)), self._many
        reached = list(accumulate(counts))
        total = reached[-1] if reached else 0
        if not total:
            return 0, []
        ranks = (max(int(percent / 100 * total + 0.5), 1) for percent in percents)
        return total, [self._highest(numbers[bisect_left(reached, rank)]) / _MICROSECONDS for rank in ranks]

    def _highest(self, number: int) -> int:
        shift = max(number // self._half - 1, 0)
        return ((number - shift * self._half + 1) << shift) - 1

    def encode(self) -> str:
        """The histogram in HdrHistogram's V2 compressed encoding, as base64, which other HDR tools read."""
        histogram = HdrHistogram(1, _LONGEST, _SIGNIFICANT_DIGITS)
        for value, count in self.items():
            histogram.record_value(value, count)
        return str(histogram.encode().decode("ascii"))

    @classmethod
    def decode(cls, text: str) -> Histogram:
        """The histogram that ``encode`` encoded; an empty text is an empty one.

        Raises:
            ValueError: the text is not an encoded histogram, or one that is larger than any that ``encode`` makes.
        """
        try:
            encoded = text.encode("ascii")
            _check_size(encoded)
            recorded = HdrHistogram.decode(encoded).get_recorded_iterator() if text else ()
        except Exception:  # hdrh's own, zlib's, ctypes' and binascii's
            raise ValueError("not an encoded histogram") from None
        return cls((each.value_iterated_to, each.count_at_value_iterated_to) for each in recorded)

    def to_plain(self) -> list[int]:
        """Value, count, value, count, …"""
        return [number for pair in self.items() for number in pair]

    @classmethod
    def from_plain(cls, plain: Sequence[int], *, bits: int = FINE_BITS) -> Histogram:
        """The histogram that ``to_plain`` made plain.

        Raises:
            ValueError: something else than counts of values.
        """
        if not all(type(count) is int and count >= 0 for count in plain[1::2]):
            raise ValueError("a histogram with a count that is not a whole number, or below 0")
        return cls(zip(plain[::2], plain[1::2], strict=True), bits=bits)

    def _buckets(self) -> Iterable[tuple[int, int]]:
        if self._many is None:
            return self._few.items()
        numbers = range(len(self._many))
        return list(zip(compress(numbers, self._many), filter(None, self._many), strict=True))

    def _use_array(self) -> None:
        self._many = array("q")
        self._add_to_array(self._many, self._few.items())
        self._few = {}

    @staticmethod
    def _add_to_array(many: array[int], buckets: Iterable[tuple[int, int]]) -> None:
        size = len(many)
        for number, count in buckets:
            if number >= size:
                many.frombytes(bytes((number + 1 - size) * many.itemsize))
                size = len(many)
            many[number] += count


def _check_size(encoded: bytes) -> None:
    """Refuse what would take much memory: a kilobyte can decompress to a megabyte, or ask for millions of buckets."""
    if not encoded:
        return
    compressed = base64.b64decode(encoded)[_PAYLOAD_AT:]
    payload = zlib.decompressobj().decompress(compressed, _LARGEST_PAYLOAD + 1)
    digits, _, highest = _SETTINGS.unpack_from(payload)
    if len(payload) > _LARGEST_PAYLOAD or digits > _SIGNIFICANT_DIGITS or highest > 2 * _LONGEST:
        raise ValueError("too large")
