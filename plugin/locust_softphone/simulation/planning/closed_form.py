"""How long each limit of a policy makes a profile take at least, without a simulation.

    bucket    n requests, ``burst`` at once, then ``rate``      (n - burst) / rate
    window    ``quota`` in each window                          whole windows before the last request
    cap       ``cap`` at once, and everyone stays               possible or not

Windows that are aligned to a clock can take up to one window less, if the run happens to begin at the end of one.

A limit with a key counts each key for itself: of 500 requests with 500 tokens, each token has one.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil, inf
from typing import NamedTuple

from locust_softphone.config.limit_kinds import (
    FixedWindowPolicy,
    LeakyBucketPolicy,
    LimitPolicy,
    LumpBucketPolicy,
    SlidingLogPolicy,
    TokenBucketPolicy,
    WorkQueuePolicy,
)
from locust_softphone.config.policy import Policy
from locust_softphone.config.profile import Profile
from locust_softphone.config.units import format_duration, format_rate
from locust_softphone.metrics.steps import request_steps

__all__ = ["LimitNeed", "needs_of"]


class LimitNeed(NamedTuple):
    """What one limit demands of a profile.

    Args:
        step: the step that it limits, or ``sessions`` or ``requests with one token``.
        limit: its name.
        says: what it allows, in words.
        requests: how many requests it counts for one key.
        seconds: the shortest time in which it admits them; infinite if it never does.
        exact: whether a ramp can be that short, as far as this limit is concerned; else it may take longer.
        cap: how many may be open at once, for a cap.
        wave: for a window or lumps, how many are admitted together, and after how many seconds as many again.
    """

    step: str
    limit: str
    says: str
    requests: int
    seconds: float
    exact: bool
    cap: int | None = None
    wave: tuple[int, float] | None = None

    def __str__(self) -> str:
        if self.seconds == inf:
            return f"{self.step}: {self.says}; {self.requests} never fit"
        at_least = "need" if self.exact else "need at least"
        return f"{self.step}: {self.says}; {self.requests} {at_least} {format_duration(round(self.seconds, 2))}"


def needs_of(profile: Profile, policy: Policy) -> list[LimitNeed]:
    """What each limit demands, the longest time first."""
    found = list(_needs(profile, policy))
    return sorted(found, key=lambda need: -need.seconds)


def _needs(profile: Profile, policy: Policy) -> Iterator[LimitNeed]:
    planned = profile.planned_requests()
    tokens = planned.get("token", 1)
    for step in ("token", "handshake", "registration", "offer", "sessions"):
        if step != "sessions" and (step not in planned or (step == "offer" and profile.dialect == "genesys-cloud")):
            continue
        requests = profile.users if step == "sessions" else planned[step]
        for limit in getattr(policy.limits, step):
            yield _need(step, limit, requests, _keys(limit, profile.users, 1 if step == "token" else tokens))
    if profile.dialect == "genesys-cloud":
        limit = policy.genesys_cloud.requests_per_token.limit(policy.retry_after)
        rest = sum(planned[step] for step in request_steps(profile.dialect) if step not in ("token", "handshake"))
        yield _need("requests with one token", limit, rest, _keys(limit, profile.users, tokens))


def _keys(limit: LimitPolicy, users: int, tokens: int) -> int:
    """Over how many keys the requests of a profile are spread; all come from one organisation and one address."""
    if {"client", "user"} & set(limit.key):
        return users
    return tokens if "token" in limit.key else 1


def _need(step: str, limit: LimitPolicy, requests: int, keys: int) -> LimitNeed:
    each = ceil(requests / keys)
    cap = getattr(limit, "cap", None)
    key = "" if limit.key in ((), ("organisation",)) else f" for each {' and '.join(limit.key)}"
    if cap is not None:
        says = f"{limit.label}, {cap} at once{key}"
        return LimitNeed(step, limit.label, says, each, 0.0 if each <= cap else inf, True, cap)
    seconds, says, exact = _time(limit, each)
    return LimitNeed(step, limit.label, f"{says}{key}", each, seconds, exact, wave=_wave(limit))


def _wave(limit: LimitPolicy) -> tuple[int, float] | None:
    if isinstance(limit, LumpBucketPolicy):
        return min(limit.lump, limit.burst), limit.every_s
    if isinstance(limit, (FixedWindowPolicy, SlidingLogPolicy)):
        return limit.quota, limit.window_s
    return None


def _time(limit: LimitPolicy, n: int) -> tuple[float, str, bool]:
    if isinstance(limit, (TokenBucketPolicy, LeakyBucketPolicy)):
        burst = limit.burst if isinstance(limit, TokenBucketPolicy) else limit.queue + 1
        return max(n - burst, 0) / limit.rate, f"{format_rate(limit.rate)} after {burst} at once", True
    if isinstance(limit, LumpBucketPolicy):
        says = f"{limit.lump} every {format_duration(limit.every_s)} after {limit.burst} at once"
        return max(ceil((n - limit.burst) / limit.lump) - 1, 0) * limit.every_s, says, False
    if isinstance(limit, WorkQueuePolicy):
        at_once, rate = limit.workers + limit.queue, limit.rate_per_s
        return max(n - at_once, 0) / rate, f"{format_rate(round(rate, 3))} after {at_once} at once", True
    quota: int = getattr(limit, "quota", n)
    window_s = limit.window_length_s or 0.0
    whole_windows = (n - 1) // quota * window_s
    fixed = isinstance(limit, (FixedWindowPolicy, SlidingLogPolicy))
    says = f"{quota} in {'each' if fixed else 'about'} {format_duration(window_s)}"
    return whole_windows, says, False
