"""Each kind of limit, as a policy file has it. An entry becomes a model of ``limits/``, one for each key.

{kind: token-bucket, rate: 50/s, burst: 50}
{kind: fixed-window, quota: 300, window: 60s, key: [token], refusal: {headers: [inin-ratelimit]}}
{kind: session-cap, cap: 300, refusal: {status: 503, after: 15s}}
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, Literal

from pydantic import Field

from locust_softphone.config.limit_responses import CapacityRefusal, Refusal, RetryAfter
from locust_softphone.config.strict_yaml import StrictModel
from locust_softphone.config.units import Period, PerSecond, Seconds
from locust_softphone.limits.decision import Limit
from locust_softphone.limits.fixed_window import FixedWindow
from locust_softphone.limits.keyed import KeyedLimit
from locust_softphone.limits.leaky_bucket import LeakyBucket
from locust_softphone.limits.lump_bucket import LumpBucket
from locust_softphone.limits.penalty import Penalty
from locust_softphone.limits.refusal import OwnSlots, next_token
from locust_softphone.limits.session_cap import CuttingCap, EvictingCap, SessionCap
from locust_softphone.limits.sliding_counter import MeasuredRate, SlidingCounter
from locust_softphone.limits.sliding_log import SlidingLog
from locust_softphone.limits.step_limits import DescribedLimit
from locust_softphone.limits.token_bucket import TokenBucket
from locust_softphone.limits.work_queue import WorkQueue

__all__ = [
    "CuttingCapPolicy",
    "EvictingCapPolicy",
    "FixedWindowPolicy",
    "LeakyBucketPolicy",
    "LimitPolicy",
    "LumpBucketPolicy",
    "MeasuredRatePolicy",
    "PenaltyPolicy",
    "SessionCapPolicy",
    "SlidingCounterPolicy",
    "SlidingLogPolicy",
    "TokenBucketPolicy",
    "WorkQueuePolicy",
]

KeyPart = Literal["organisation", "client", "token", "user", "address"]
Begins = Literal["first-request", "clock"]

MOST = 1_000_000


class PenaltyPolicy(StrictModel):
    """What follows a refusal: everything is refused for a while."""

    lasts_s: Period = Field(alias="lasts", description="how long everything is refused after a refusal")
    renewed: bool = Field(False, description="whether each request in this time starts it again")


class LimitPolicy(StrictModel):
    """One limit of a step."""

    name: str | None = Field(
        None, pattern=r"^[a-z0-9][a-z0-9-]{0,39}$", description="its name in GET /stats; by default its kind"
    )
    key: Annotated[tuple[KeyPart, ...], Field(strict=False)] = Field(
        ("organisation",),
        description="by what it counts: each organisation, client, token, user or address, or each combination of "
        "several, has a limit of its own; [] is one limit for all",
    )

    @property
    def label(self) -> str:
        """Its name, or else its kind."""
        return self.name or str(getattr(self, "kind"))  # noqa: B009 - every member of the union has one

    @property
    @abstractmethod
    def response(self) -> Refusal:
        """What responses say about it."""

    @property
    def rate_per_s(self) -> float | None:
        """Admissions per second in the long run; None where time alone admits nobody."""
        return None

    @property
    def window_length_s(self) -> float | None:
        """The length of its window; None if it has none."""
        return None

    @abstractmethod
    def limit(self, epoch_s: float) -> Limit:
        """A limit for one key; ``epoch_s`` is the Unix epoch on the clock of ``now``."""

    def keyed(self, default: RetryAfter, epoch_s: float) -> KeyedLimit[DescribedLimit]:
        """The limit for all keys; ``default`` is the policy's own ``retry_after``."""
        told = self.response.retry_after or default
        style = self.response.style(told, self.window_length_s)
        rate = self.rate_per_s if told.advice == "own-slot" else None

        def make() -> DescribedLimit:
            return DescribedLimit(self.limit(epoch_s), style, next_token if rate is None else OwnSlots(rate))

        return KeyedLimit(make, self.key)


class _RatePolicy(LimitPolicy):
    refusal: Refusal = Field(Refusal(), description="what responses say about the limit; illustrative")
    penalty: PenaltyPolicy | None = Field(
        None, description="what follows a refusal; by default nothing, and a refused request costs nothing"
    )

    @property
    def response(self) -> Refusal:
        return self.refusal

    def limit(self, epoch_s: float) -> Limit:
        rate = self._rate(epoch_s)
        return Penalty(rate, self.penalty.lasts_s, renewed=self.penalty.renewed) if self.penalty else rate

    @abstractmethod
    def _rate(self, epoch_s: float) -> Limit:
        """The limit without its penalty."""


class TokenBucketPolicy(_RatePolicy):
    """``burst`` at once, and ``rate`` in the long run."""

    kind: Literal["token-bucket"] = Field("token-bucket", description="a token bucket")
    rate: PerSecond = Field(description="how many per second in the long run")
    burst: int = Field(ge=1, le=MOST, description="how many at once after a quiet time")

    @property
    def rate_per_s(self) -> float:
        return self.rate

    def _rate(self, epoch_s: float) -> Limit:
        return TokenBucket(self.rate, self.burst)


class LumpBucketPolicy(_RatePolicy):
    """``burst`` at once, and ``lump`` more at each fill (Envoy: tokens_per_fill, fill_interval)."""

    kind: Literal["lump-bucket"] = Field(description="a token bucket that is filled in lumps")
    lump: int = Field(ge=1, le=MOST, description="how many tokens a fill adds")
    every_s: Period = Field(alias="every", description="the time between two fills, aligned to the wall clock")
    burst: int = Field(ge=1, le=MOST, description="how many at once after a quiet time")

    @property
    def rate_per_s(self) -> float:
        return self.lump / self.every_s

    def _rate(self, epoch_s: float) -> Limit:
        return LumpBucket(self.lump, self.every_s, self.burst, epoch_s)


class LeakyBucketPolicy(_RatePolicy):
    """``rate`` per second, and up to ``queue`` requests beyond it (nginx limit_req)."""

    kind: Literal["leaky-bucket"] = Field(description="a leaky bucket")
    rate: PerSecond = Field(description="how many per second are served")
    queue: int = Field(ge=0, le=MOST, description="how many more are admitted; nginx calls it burst")
    delays: bool = Field(True, description="whether those wait for their turn; false is nginx's nodelay")

    @property
    def rate_per_s(self) -> float:
        return self.rate

    def _rate(self, epoch_s: float) -> Limit:
        return LeakyBucket(self.rate, self.queue, delays=self.delays)


class _WindowPolicy(_RatePolicy):
    quota: int = Field(ge=1, le=MOST, description="how many in one window")
    window_s: Period = Field(alias="window", description="the length of a window")

    @property
    def rate_per_s(self) -> float:
        return self.quota / self.window_s

    @property
    def window_length_s(self) -> float:
        return self.window_s


class _AlignedWindowPolicy(_WindowPolicy):
    begins: Begins = Field(
        "first-request", description="whether a window begins with the first request, or is aligned to the wall clock"
    )

    def _aligned_to_s(self, epoch_s: float) -> float | None:
        return epoch_s if self.begins == "clock" else None


class FixedWindowPolicy(_AlignedWindowPolicy):
    """``quota`` in each window; at its end all of them again."""

    kind: Literal["fixed-window"] = Field(description="a fixed window")

    def _rate(self, epoch_s: float) -> Limit:
        return FixedWindow(self.quota, self.window_s, self._aligned_to_s(epoch_s))


class SlidingLogPolicy(_WindowPolicy):
    """``quota`` in any window, counted exactly."""

    kind: Literal["sliding-log"] = Field(description="a sliding log")

    def _rate(self, epoch_s: float) -> Limit:
        return SlidingLog(self.quota, self.window_s)


class SlidingCounterPolicy(_AlignedWindowPolicy):
    """About ``quota`` in any window: the window before counts by the share of it that is still covered."""

    kind: Literal["sliding-counter"] = Field(description="a sliding counter (Cloudflare, Kong)")

    def _rate(self, epoch_s: float) -> Limit:
        return SlidingCounter(self.quota, self.window_s, self._aligned_to_s(epoch_s))


class MeasuredRatePolicy(_AlignedWindowPolicy):
    """As a sliding counter, but refused requests count too: who keeps asking stays refused."""

    kind: Literal["measured-rate"] = Field(description="a measured rate (haproxy http_req_rate)")

    def _rate(self, epoch_s: float) -> Limit:
        return MeasuredRate(self.quota, self.window_s, self._aligned_to_s(epoch_s))


class _CapacityPolicy(LimitPolicy):
    refusal: CapacityRefusal = Field(CapacityRefusal(), description="what responses say about the limit; illustrative")

    @property
    def response(self) -> Refusal:
        return self.refusal


class WorkQueuePolicy(_CapacityPolicy):
    """``workers`` requests at a time; ``queue`` more wait, the rest is refused."""

    kind: Literal["work-queue"] = Field(description="limited concurrency with a queue")
    workers: int = Field(ge=1, le=MOST, description="how many are worked on at once")
    queue: int = Field(0, ge=0, le=MOST, description="how many more wait")
    work_s: Period = Field(alias="work", description="how long the work on each takes")

    @property
    def rate_per_s(self) -> float:
        return self.workers / self.work_s

    def limit(self, epoch_s: float) -> Limit:
        return WorkQueue(self.workers, self.queue, self.work_s)


class SessionCapPolicy(_CapacityPolicy):
    """At most ``cap`` open sessions; one more is refused, at once or after a while (refusal.after)."""

    kind: Literal["session-cap"] = Field(description="a cap that refuses")
    cap: int = Field(ge=1, le=MOST, description="how many may be open at once")

    def limit(self, epoch_s: float) -> Limit:
        return SessionCap(self.cap)


class CuttingCapPolicy(_CapacityPolicy):
    """At most ``cap`` sessions that stay open; one more is accepted, and cut after a while."""

    kind: Literal["cutting-cap"] = Field(description="a cap that accepts, then cuts")
    cap: int = Field(ge=1, le=MOST, description="how many may stay open")
    cut_after_s: Seconds = Field(alias="cut_after", description="when a session beyond the cap is cut")

    def limit(self, epoch_s: float) -> Limit:
        return CuttingCap(self.cap, self.cut_after_s)


class EvictingCapPolicy(_CapacityPolicy):
    """At most ``cap`` open sessions; one more is accepted, and the oldest is cut."""

    kind: Literal["evicting-cap"] = Field(description="a cap that cuts the oldest")
    cap: int = Field(ge=1, le=MOST, description="how many may be open at once")

    def limit(self, epoch_s: float) -> Limit:
        return EvictingCap(self.cap)
