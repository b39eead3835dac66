"""Histograms: bounded error, merging without loss, HdrHistogram's percentiles and encoding, bounded memory."""

from __future__ import annotations

import base64
import random
import struct
import tracemalloc
import zlib

import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import example, given, settings
from hypothesis import strategies as st

from locust_softphone.metrics import histogram as module
from locust_softphone.metrics.histogram import COARSE_BITS, PERCENTILES, Histogram

HOUR_US = 3_600_000_000
DURATIONS = st.lists(st.floats(0, 4000), max_size=50)


def durations(*seconds: float, bits: int = 11) -> Histogram:
    histogram = Histogram(bits=bits)
    for each in seconds:
        histogram.record(each)
    return histogram


def reference(seconds: list[float]) -> HdrHistogram:
    histogram = HdrHistogram(1, HOUR_US, 3)
    for each in seconds:
        histogram.record_value(min(round(each * 1e6), HOUR_US))
    return histogram


@pytest.mark.parametrize(("bits", "error"), [(11, 1 / 1024), (COARSE_BITS, 1 / 64)])
@settings(deadline=None)
@given(microseconds=st.integers(0, HOUR_US))
@example(microseconds=249)  # as a float of seconds it is a little less than 249 microseconds
@example(microseconds=2047)
@example(microseconds=2048)
@example(microseconds=HOUR_US)
def test_a_duration_is_kept_within_the_error_bound(bits: int, error: float, microseconds: int) -> None:
    histogram = durations(microseconds / 1e6, bits=bits)
    for kept_s in (histogram.percentile_s(50), histogram.summary()["max"]):
        assert microseconds <= round(kept_s * 1e6) <= microseconds * (1 + error)


@pytest.mark.parametrize(
    ("seconds", "kept_s", "why"),
    [
        (0.0, 0.0, "zero is a duration"),
        (-1.0, 0.0, "a negative duration counts as zero"),
        (0.4e-6, 0.0, "nearer to zero than to a microsecond"),
        (0.6e-6, 1e-6, "nearer to a microsecond than to zero"),
        (7200.0, 3600.0, "more than an hour counts as an hour"),
    ],
)
def test_a_duration_out_of_range(seconds: float, kept_s: float, why: str) -> None:
    histogram = durations(seconds)
    assert histogram.summary()["max"] == pytest.approx(kept_s, rel=1e-3), why
    assert len(histogram) == 1, why


@settings(deadline=None, max_examples=30)
@given(DURATIONS, st.sampled_from([0, 1000]))
def test_percentiles_and_encoding_are_those_of_an_hdr_histogram(seconds: list[float], few: int) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "FEW", few)
        histogram, expected = durations(*seconds), reference(seconds)
    assert histogram.encode() == expected.encode().decode()
    for percent in PERCENTILES.values():
        assert histogram.percentile_s(percent) * 1e6 == pytest.approx(expected.get_value_at_percentile(percent))


@given(DURATIONS, st.sampled_from([11, COARSE_BITS]), st.sampled_from([0, 3, 1000]))
def test_a_merged_histogram_has_the_durations_of_both(seconds: list[float], bits: int, few: int) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "FEW", few)  # as a dictionary, as an array, or first the one and then the other
        merged = durations(*seconds[::2], bits=bits)
        merged.merge(durations(*seconds[1::2], bits=bits))
        assert sorted(merged.items()) == sorted(durations(*seconds, bits=bits).items())
    assert len(merged) == len(seconds)


@given(DURATIONS, st.sampled_from([11, COARSE_BITS]))
def test_a_histogram_survives_the_way_to_another_process(seconds: list[float], bits: int) -> None:
    histogram = durations(*seconds, bits=bits)
    received = Histogram.from_plain(histogram.to_plain(), bits=bits)
    assert sorted(received.items()) == sorted(histogram.items())


@settings(deadline=None, max_examples=30)
@given(DURATIONS)
def test_a_histogram_survives_encoding(seconds: list[float]) -> None:
    histogram = durations(*seconds)
    assert Histogram.decode(histogram.encode()).summary() == histogram.summary()


@pytest.mark.parametrize("text", ["x", "HISTFAAAA", "ä"])
def test_a_text_that_is_not_a_histogram_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an encoded histogram"):
        Histogram.decode(text)


def encoded(payload: bytes) -> str:
    """HdrHistogram's V2 encoding around any payload."""
    compressed = zlib.compress(payload)
    return base64.b64encode(struct.pack(">II", 0x1C849304, len(compressed)) + compressed).decode()


@pytest.mark.parametrize(
    ("digits", "highest", "counts"),
    [
        (3, 3_600_000_000, 300 * 1024),  # decompresses to much
        (5, 3_600_000_000, 8),  # asks for millions of buckets
        (3, 2**62, 8),
    ],
)
def test_a_histogram_that_is_larger_than_any_of_ours_is_refused(digits: int, highest: int, counts: int) -> None:
    payload = struct.pack(">IIIIQQd", 0x1C849303, counts, 0, digits, 1, highest, 1.0) + bytes(counts)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="not an encoded histogram"):
            Histogram.decode(encoded(payload))
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def test_a_summary_has_percentiles_and_maximum() -> None:
    summary = durations(*(milliseconds / 1000 for milliseconds in range(1, 1001))).summary()
    expected = {"count": 1000, "p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p99_9": 0.999, "max": 1.0}
    assert summary == pytest.approx(expected, rel=1e-3)


def test_a_summary_of_no_durations_has_only_the_count() -> None:
    assert Histogram().summary() == {"count": 0}


@given(DURATIONS)
def test_durations_above_a_limit_are_counted(seconds: list[float]) -> None:
    above = durations(*seconds).count_above(1.0)
    assert sum(each > 1.001 for each in seconds) <= above <= sum(each > 0.999 for each in seconds)


def test_memory_does_not_grow_with_the_number_of_durations() -> None:
    chance, histogram, taken = random.Random(1), Histogram(), []
    tracemalloc.start()
    try:
        for recorded in (10_000, 60_000):
            for _ in range(recorded):
                histogram.record(chance.lognormvariate(-5, 1))
            taken.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert taken[1] < 200_000
    assert taken[1] < 1.5 * taken[0]
