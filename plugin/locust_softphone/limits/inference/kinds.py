"""The kinds of limit that the inference knows: how each is fitted, its parameters, and the model that replays it."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from locust_softphone.limits.decision import Limit
from locust_softphone.limits.fixed_window import FixedWindow
from locust_softphone.limits.inference.bucket_fit import fit_bucket
from locust_softphone.limits.inference.cap_fit import fit_cap
from locust_softphone.limits.inference.lump_fit import fit_lumps
from locust_softphone.limits.inference.observations import Evidence
from locust_softphone.limits.inference.penalty_fit import fit_fixed_penalty, fit_renewed_penalty
from locust_softphone.limits.inference.search import Fits
from locust_softphone.limits.inference.window_fit import (
    fit_aligned_window,
    fit_first_window,
    fit_measured_rate,
    fit_sliding_counter,
    fit_sliding_log,
)
from locust_softphone.limits.lump_bucket import LumpBucket
from locust_softphone.limits.penalty import Penalty
from locust_softphone.limits.sliding_counter import MeasuredRate, SlidingCounter
from locust_softphone.limits.sliding_log import SlidingLog
from locust_softphone.limits.token_bucket import TokenBucket

__all__ = ["RARE", "SIMPLE", "Kind", "Method"]


class Kind(StrEnum):
    """A kind of limit, as far as a client can distinguish it."""

    CAP = "cap of open sessions"
    TOKEN_BUCKET = "token bucket"  # or a leaky bucket without delay
    FIRST_WINDOW = "fixed window from the first request"
    ALIGNED_WINDOW = "fixed window aligned to a clock"
    SLIDING_LOG = "sliding log"
    SLIDING_COUNTER = "sliding counter"
    MEASURED_RATE = "measured rate, refusals count"
    LUMPS = "bucket filled in lumps"
    PENALTY = "penalty after a burst"
    RENEWED_PENALTY = "penalty renewed by each request"
    LEAKY_QUEUE = "leaky bucket as a queue"
    WORK_QUEUE = "limited concurrency with a queue"


class Method(NamedTuple):
    """How one kind is fitted to evidence.

    Args:
        kind: the kind of limit.
        parameters: the names of its parameters, in the order of the bounds that ``fit`` finds.
        fit: finds the bounds, from the evidence and the share of foreign traffic.
        make: makes a limit for a replay, from the evidence and the parameters; None if there is no replay.
    """

    kind: Kind
    parameters: tuple[str, ...]
    fit: Callable[[Evidence, float], Fits]
    make: Callable[..., Limit] | None


def _token_bucket(_: Evidence, rate: float, burst: float) -> Limit:
    return TokenBucket(rate, max(1.0, burst))


def _aligned_window(evidence: Evidence, window_s: float, quota: float) -> Limit:
    return FixedWindow(round(quota), window_s, sum(evidence.sharpest_reopening) / 2)


def _lumps(evidence: Evidence, interval_s: float, lump: float, burst: float) -> Limit:
    return LumpBucket(max(1, round(lump)), interval_s, max(1, round(burst)), sum(evidence.sharpest_reopening) / 2)


def _penalty(_: Evidence, penalty_s: float, rate: float, burst: float) -> Limit:
    return Penalty(TokenBucket(rate, max(1.0, burst)), penalty_s)


def _renewed_penalty(_: Evidence, penalty_s: float, rate: float, burst: float) -> Limit:
    return Penalty(TokenBucket(rate, max(1.0, burst)), penalty_s, renewed=True)


WINDOW = ("window_s", "quota")
PENALTY = ("penalty_s", "rate", "burst")

SIMPLE = (
    Method(Kind.CAP, ("cap",), fit_cap, None),
    Method(Kind.TOKEN_BUCKET, ("rate", "burst"), fit_bucket, _token_bucket),
    Method(Kind.FIRST_WINDOW, WINDOW, fit_first_window, lambda _, s, quota: FixedWindow(round(quota), s)),
    Method(Kind.ALIGNED_WINDOW, WINDOW, fit_aligned_window, _aligned_window),
    Method(Kind.SLIDING_LOG, WINDOW, fit_sliding_log, lambda _, s, quota: SlidingLog(round(quota), s)),
    Method(Kind.SLIDING_COUNTER, WINDOW, fit_sliding_counter, lambda _, s, quota: SlidingCounter(round(quota), s)),
    Method(Kind.MEASURED_RATE, WINDOW, fit_measured_rate, lambda _, s, quota: MeasuredRate(round(quota), s)),
)
RARE = (
    Method(Kind.LUMPS, ("interval_s", "lump", "burst"), fit_lumps, _lumps),
    Method(Kind.PENALTY, PENALTY, fit_fixed_penalty, _penalty),
    Method(Kind.RENEWED_PENALTY, PENALTY, fit_renewed_penalty, _renewed_penalty),
)
