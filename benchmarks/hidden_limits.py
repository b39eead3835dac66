"""Limits of every kind whose parameters a probe must find out: drawn at random, the same ones in each run."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from locust_softphone.limits.decision import Limit
from locust_softphone.limits.fixed_window import FixedWindow
from locust_softphone.limits.inference.kinds import Kind
from locust_softphone.limits.leaky_bucket import LeakyBucket
from locust_softphone.limits.lump_bucket import LumpBucket
from locust_softphone.limits.penalty import Penalty
from locust_softphone.limits.session_cap import SessionCap
from locust_softphone.limits.sliding_counter import MeasuredRate, SlidingCounter
from locust_softphone.limits.sliding_log import SlidingLog
from locust_softphone.limits.token_bucket import TokenBucket
from locust_softphone.limits.work_queue import WorkQueue
from locust_softphone.probing.virtual_target import Network, VirtualTarget

__all__ = ["HiddenLimit", "hidden_limits"]

FOREIGN = {Kind.TOKEN_BUCKET, Kind.FIRST_WINDOW, Kind.ALIGNED_WINDOW, Kind.SLIDING_LOG, Kind.SLIDING_COUNTER, Kind.CAP}


@dataclass(frozen=True)
class HiddenLimit:
    """A limit, and how the probe reaches it; ``truth`` has its parameters, named as in a diagnosis."""

    kind: Kind
    make: Callable[[], Limit]
    truth: Mapping[str, float]
    network: Network
    seed: int
    foreign_share: float = 0.0

    @property
    def rate(self) -> float:
        """What the limit admits per second in the long run; 0 for a cap."""
        truth = self.truth
        return truth.get("rate") or truth.get("quota", 0.0) / truth.get("window_s", 1.0)

    def target(self) -> VirtualTarget:
        """The limit in virtual time."""
        foreign_rate = self.foreign_share * (self.rate or self.truth.get("cap", 0) / 100)
        return VirtualTarget(self.make(), self.network, self.seed, foreign_rate=foreign_rate)


def hidden_limits(seed: int) -> list[HiddenLimit]:
    """About 70 limits: rates of 1 to 200/s, bursts of 1 to 500, caps of 20 to 2,000, round trips of 1 to 100 ms."""
    rng = random.Random(seed)
    found = [_limit(kind, rng, 0.0) for kind, times in TIMES.items() for _ in range(times)]
    return [*found, *(_limit(kind, rng, rng.uniform(0.01, 0.1)) for kind in TIMES if kind in FOREIGN for _ in range(2))]


TIMES = {
    Kind.TOKEN_BUCKET: 12,
    Kind.FIRST_WINDOW: 6,
    Kind.ALIGNED_WINDOW: 6,
    Kind.SLIDING_LOG: 6,
    Kind.SLIDING_COUNTER: 6,
    Kind.MEASURED_RATE: 6,
    Kind.LUMPS: 5,
    Kind.PENALTY: 5,
    Kind.RENEWED_PENALTY: 4,
    Kind.LEAKY_QUEUE: 4,
    Kind.WORK_QUEUE: 4,
    Kind.CAP: 8,
}


def _limit(kind: Kind, rng: random.Random, foreign_share: float) -> HiddenLimit:
    round_trip_s = 10 ** rng.uniform(-3, -1)
    network = Network(round_trip_s, round_trip_s * rng.uniform(0.01, 0.1))
    make, truth = next(_of_kind(kind, rng))
    return HiddenLimit(kind, make, truth, network, rng.randrange(10**6), foreign_share)


def _of_kind(kind: Kind, rng: random.Random) -> Iterator[tuple[Callable[[], Limit], dict[str, float]]]:
    rate = round(10 ** rng.uniform(0, 2.3), 1)
    burst = round(10 ** rng.uniform(0, 2.7))
    quota = round(10 ** rng.uniform(0.9, 2.7))
    window_s = round(max(1.0, quota / rate), 1)
    windowed: dict[str, float] = {"window_s": window_s, "quota": quota}
    if kind is Kind.TOKEN_BUCKET and rng.random() < 0.7:
        yield lambda: TokenBucket(rate, burst), {"rate": rate, "burst": burst}
    if kind is Kind.TOKEN_BUCKET:
        yield lambda: LeakyBucket(rate, burst, delays=False), {"rate": rate, "burst": burst + 1}
    if kind is Kind.FIRST_WINDOW:
        yield lambda: FixedWindow(quota, window_s), windowed
    if kind is Kind.ALIGNED_WINDOW:
        phase_s = rng.uniform(0, window_s)
        yield lambda: FixedWindow(quota, window_s, phase_s), windowed
    if kind is Kind.SLIDING_LOG:
        yield lambda: SlidingLog(quota, window_s), windowed
    if kind is Kind.SLIDING_COUNTER:
        yield lambda: SlidingCounter(quota, window_s), windowed
    if kind is Kind.MEASURED_RATE:
        yield lambda: MeasuredRate(quota, window_s), windowed
    if kind is Kind.LUMPS:
        lump, interval_s = max(2, quota // 3), round(max(0.5, quota / rate / 3), 2)
        yield (
            lambda: LumpBucket(lump, interval_s, quota, -0.4 * interval_s),
            {"interval_s": interval_s, "lump": lump, "burst": quota},
        )
    if kind in (Kind.PENALTY, Kind.RENEWED_PENALTY):
        penalty_s = round(10 ** rng.uniform(0.3, 1.5), 1)
        renewed = kind is Kind.RENEWED_PENALTY
        yield (
            lambda: Penalty(TokenBucket(rate, quota), penalty_s, renewed=renewed),
            {"penalty_s": penalty_s, "rate": rate, "burst": quota},
        )
    if kind is Kind.LEAKY_QUEUE:
        yield lambda: LeakyBucket(rate, quota, delays=True), {"rate": rate}
    if kind is Kind.WORK_QUEUE:
        workers, queue = rng.randint(2, 6), rng.randint(10, 40)
        yield lambda: WorkQueue(workers, queue, workers / rate), {"rate": rate, "capacity": workers + queue}
    if kind is Kind.CAP:
        cap = round(10 ** rng.uniform(1.3, 3.3))
        yield lambda: SessionCap(cap), {"cap": cap}
