"""The limits of one step in a policy file: a list. A single one may be written without the dash, and a token bucket
without its kind:

    token: {rate: 50/s, burst: 300}
    handshake:
    - {kind: token-bucket, rate: 50/s, burst: 150}
    - {kind: fixed-window, quota: 10, window: 1s, key: [address]}
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import BeforeValidator, Discriminator, Field, Tag

from locust_softphone.config.limit_kinds import (
    CuttingCapPolicy,
    EvictingCapPolicy,
    FixedWindowPolicy,
    LeakyBucketPolicy,
    LimitPolicy,
    LumpBucketPolicy,
    MeasuredRatePolicy,
    SessionCapPolicy,
    SlidingCounterPolicy,
    SlidingLogPolicy,
    TokenBucketPolicy,
    WorkQueuePolicy,
)
from locust_softphone.config.limit_responses import RetryAfter
from locust_softphone.limits.keyed import KeyedLimit
from locust_softphone.limits.step_limits import DescribedLimit, StepLimits

__all__ = ["Caps", "RateLimits", "RateLimitsAndCaps", "shortest", "step_limits"]


def _kind(value: object) -> str:
    default = TokenBucketPolicy.model_fields["kind"].default
    return str(value.get("kind", default) if isinstance(value, dict) else getattr(value, "kind", default))


def _as_list(value: object) -> object:
    return [value] if isinstance(value, (dict, LimitPolicy)) else value


_AnyRate = (
    Annotated[TokenBucketPolicy, Tag("token-bucket")]
    | Annotated[LumpBucketPolicy, Tag("lump-bucket")]
    | Annotated[LeakyBucketPolicy, Tag("leaky-bucket")]
    | Annotated[FixedWindowPolicy, Tag("fixed-window")]
    | Annotated[SlidingLogPolicy, Tag("sliding-log")]
    | Annotated[SlidingCounterPolicy, Tag("sliding-counter")]
    | Annotated[MeasuredRatePolicy, Tag("measured-rate")]
    | Annotated[WorkQueuePolicy, Tag("work-queue")]
)
_AnyCap = (
    Annotated[SessionCapPolicy, Tag("session-cap")]
    | Annotated[CuttingCapPolicy, Tag("cutting-cap")]
    | Annotated[EvictingCapPolicy, Tag("evicting-cap")]
)
_RateLimit = Annotated[_AnyRate, Discriminator(_kind)]
_Cap = Annotated[_AnyCap, Discriminator(_kind)]
_RateLimitOrCap = Annotated[_AnyRate | _AnyCap, Discriminator(_kind)]

RateLimits = Annotated[
    tuple[_RateLimit, ...],
    BeforeValidator(_as_list, json_schema_input_type=_RateLimit | list[_RateLimit]),
    Field(strict=False),
]
"""Limits on requests."""

Caps = Annotated[
    tuple[_Cap, ...], BeforeValidator(_as_list, json_schema_input_type=_Cap | list[_Cap]), Field(strict=False)
]
"""Limits on what is open."""

RateLimitsAndCaps = Annotated[
    tuple[_RateLimitOrCap, ...],
    BeforeValidator(_as_list, json_schema_input_type=_RateLimitOrCap | list[_RateLimitOrCap]),
    Field(strict=False),
]
"""Limits on requests, and on what they open."""


def step_limits(policies: Sequence[LimitPolicy], default: RetryAfter, epoch_s: float = 0.0) -> StepLimits:
    """The limits of one step, each under its name; the second one of a name is ``name-2``.

    Args:
        policies: as the policy file has them.
        default: what refusals say, where a limit does not say it.
        epoch_s: the Unix epoch on the clock of the requests, for windows that are aligned to the wall clock.
    """
    limits: dict[str, KeyedLimit[DescribedLimit]] = {}
    for policy in policies:
        name, number = policy.label, 1
        while name in limits:
            number += 1
            name = f"{policy.label}-{number}"
        limits[name] = policy.keyed(default, epoch_s)
    return StepLimits(limits)


def shortest(policies: Sequence[LimitPolicy]) -> object:
    """The limits in the shortest form that a policy file can have: without defaults, and without a list of one."""
    entries = [policy.model_dump(mode="json", by_alias=True, exclude_defaults=True) for policy in policies]
    return entries[0] if len(entries) == 1 else entries
