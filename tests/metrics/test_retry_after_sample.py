"""Retries and their deadlines: which are too early, and a random sample that can be merged."""

from __future__ import annotations

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locust_softphone.metrics.retry_after_sample import SAMPLE_SIZE, RetryAfterSample, RetryAfterSamples


def retries(number: int, wait_s: float = 2.0) -> list[RetryAfterSample]:
    return [RetryAfterSample("offer", n / 7 + wait_s, n / 7) for n in range(number)]


def sample_of(all_of: list[RetryAfterSample]) -> RetryAfterSamples:
    sample = RetryAfterSamples()
    for retry in all_of:
        sample.add(retry)
    return sample


@pytest.mark.parametrize(
    ("retried_s", "too_early", "why"),
    [
        (3.0, False, "on time"),
        (9.0, False, "later than it had to"),
        (2.96, False, "within a timer's slack"),
        (2.94, True, "beyond it"),
    ],
)
def test_a_retry_is_too_early_before_its_deadline(retried_s: float, too_early: bool, why: str) -> None:
    assert RetryAfterSample("handshake", 3.0, retried_s).too_early == too_early, why


def test_few_retries_are_all_kept_sorted_by_deadline() -> None:
    few = retries(SAMPLE_SIZE)
    assert sample_of(few[::-1]).sorted() == few


def test_of_many_retries_a_random_sample_is_kept() -> None:
    kept = sample_of(retries(20 * SAMPLE_SIZE)).sorted()
    assert len(set(kept)) == SAMPLE_SIZE
    half_s = 10 * SAMPLE_SIZE / 7
    in_first_half = sum(retry.retried_s < half_s for retry in kept)
    assert SAMPLE_SIZE * 0.35 < in_first_half < SAMPLE_SIZE * 0.65


@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(0, 3), min_size=3 * SAMPLE_SIZE, max_size=3 * SAMPLE_SIZE))
def test_merged_samples_are_the_sample_of_all_retries(worker_of: list[int]) -> None:
    everything = retries(len(worker_of))
    merged = RetryAfterSamples()
    for worker in range(4):
        part = [retry for retry, of in zip(everything, worker_of, strict=True) if of == worker]
        merged.merge(RetryAfterSamples.from_plain(msgpack.unpackb(msgpack.packb(sample_of(part).to_plain()))))
    assert merged.sorted() == sample_of(everything).sorted()
