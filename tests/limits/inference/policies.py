"""Limits of every kind, each with a plan of requests that separates it from the other kinds."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from locust_softphone.limits.decision import Limit
from locust_softphone.limits.fixed_window import FixedWindow
from locust_softphone.limits.inference.kinds import Kind
from locust_softphone.limits.inference.observations import Observation
from locust_softphone.limits.leaky_bucket import LeakyBucket
from locust_softphone.limits.lump_bucket import LumpBucket
from locust_softphone.limits.penalty import Penalty
from locust_softphone.limits.session_cap import SessionCap
from locust_softphone.limits.sliding_counter import MeasuredRate, SlidingCounter
from locust_softphone.limits.sliding_log import SlidingLog
from locust_softphone.limits.token_bucket import TokenBucket
from locust_softphone.limits.work_queue import WorkQueue
from tests.limits.inference.virtual_client import Network, burst_then_pace, observe

__all__ = ["Case", "cases"]


@dataclass(frozen=True)
class Case:
    """A limit and the requests sent to it; ``truth`` has its parameters, named as in a diagnosis."""

    kind: Kind
    make: Callable[[], Limit]
    truth: Mapping[str, float]
    plan: Sequence[float]
    close_at: Sequence[float]
    network: Network
    seed: int

    @property
    def name(self) -> str:
        values = " ".join(f"{name}={value:.3g}" for name, value in self.truth.items())
        return f"{self.kind.name.lower()} {values} rtt={self.network.round_trip_s * 1000:.0f}ms"

    def observe(self, foreign_rate: float = 0.0) -> list[Observation]:
        """What a client observes of it."""
        return observe(
            self.make(),
            self.plan,
            network=self.network,
            rng=random.Random(self.seed),
            foreign_rate=foreign_rate,
            close_at=self.close_at,
        )


def separating_plan(quota: int, window_s: float, pace: float) -> list[float]:
    """Half a burst, later a whole one, a steady pace, and the same pace again after each of two pauses.

    A fixed window reopens all at once, unlike a log or a counter. Only for a penalty or a measured rate do refused
    requests count, so only these admit more after a pause.
    """
    rate = pace * quota / window_s
    plan = [0.0] * max(1, quota // 2) + [0.6 * window_s] * quota
    begin = 0.6 * window_s
    for lasts, pause in ((2.3, 1.3), (1.4, 1.1), (0.9, 0.0)):
        plan += [begin + number / rate for number in range(1, int(rate * lasts * window_s) + 1)]
        begin += (lasts + pause) * window_s
    return plan


def cases(seed: int, each: int) -> list[Case]:
    """``each`` cases of each kind: rates of 1 to 200/s, quotas of 8 to 200, round trips of 1 to 100 ms with jitter."""
    rng = random.Random(seed)
    return [case for _ in range(each) for case in _one_of_each(rng)]


def _one_of_each(rng: random.Random) -> list[Case]:
    def case(
        kind: Kind,
        make: Callable[[], Limit],
        truth: Mapping[str, float],
        plan: Sequence[float],
        close_at: Sequence[float] = (),
    ) -> Case:
        round_trip_s = 10 ** rng.uniform(-3, -1)
        network = Network(round_trip_s, round_trip_s * rng.uniform(0.01, 0.1))
        return Case(kind, make, truth, plan, close_at, network, rng.randrange(10**6))

    rate = 10 ** rng.uniform(0, 2.3)
    quota = round(10 ** rng.uniform(0.9, 2.3))
    window_s = max(1.0, quota / rate)
    plan = separating_plan(quota, window_s, rng.uniform(2.1, 2.7))
    window: Mapping[str, float] = {"window_s": window_s, "quota": quota}
    rate = quota / window_s
    phase_s = rng.uniform(0.2, 0.8) * window_s
    burst = round(10 ** rng.uniform(0, 2.3))
    paced = burst_then_pace(round(1.5 * burst) + 2, 1.8 * rate, max(2.0, 12 / rate))
    lump, interval_s = max(2, quota // 3), window_s / 3
    penalty_s = window_s * rng.uniform(0.5, 1.0)
    penalty = {"penalty_s": penalty_s, "rate": rate, "burst": quota}
    workers = rng.randint(2, 6)
    queue = rng.randint(10, 40)
    queue_plan = burst_then_pace(2 * queue, 1.8 * rate, max(3.0, 2 * queue / rate))
    cap = round(10 ** rng.uniform(1.3, 2.6))
    closing = [3.0 + 0.005 * number for number in range(cap // 4)]
    cap_plan = burst_then_pace(round(1.4 * cap), 0.2 * cap, 6.0)
    return [
        case(Kind.TOKEN_BUCKET, lambda: TokenBucket(rate, burst), {"rate": rate, "burst": burst}, paced),
        case(
            Kind.TOKEN_BUCKET,
            lambda: LeakyBucket(rate, burst, delays=False),
            {"rate": rate, "burst": burst + 1},
            paced,
        ),
        case(Kind.LEAKY_QUEUE, lambda: LeakyBucket(rate, queue, delays=True), {"rate": rate}, queue_plan),
        case(
            Kind.WORK_QUEUE,
            lambda: WorkQueue(workers, queue, workers / rate),
            {"rate": rate, "capacity": workers + queue},
            queue_plan,
        ),
        case(Kind.FIRST_WINDOW, lambda: FixedWindow(quota, window_s), window, plan),
        case(Kind.ALIGNED_WINDOW, lambda: FixedWindow(quota, window_s, phase_s), window, plan),
        case(Kind.SLIDING_LOG, lambda: SlidingLog(quota, window_s), window, plan),
        case(Kind.SLIDING_COUNTER, lambda: SlidingCounter(quota, window_s), window, plan),
        case(Kind.MEASURED_RATE, lambda: MeasuredRate(quota, window_s), window, plan),
        case(
            Kind.LUMPS,
            lambda: LumpBucket(lump, interval_s, quota, -0.4 * interval_s),
            {"lump": lump, "interval_s": interval_s, "burst": quota},
            plan,
        ),
        case(Kind.PENALTY, lambda: Penalty(TokenBucket(rate, quota), penalty_s), penalty, plan),
        case(Kind.RENEWED_PENALTY, lambda: Penalty(TokenBucket(rate, quota), penalty_s, renewed=True), penalty, plan),
        case(Kind.CAP, lambda: SessionCap(cap), {"cap": cap}, cap_plan, closing),
    ]
