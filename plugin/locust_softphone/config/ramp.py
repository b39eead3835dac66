"""The ramp of a profile: when its softphones start.

60s                  over a minute; 0s: all at the same instant
{rate: 50/s}         at an arrival rate
{stages: [{to: 100, over: 10s}, {hold: 30s}, {to: 500, over: 60s}]}
{at_once: 50, over: 10s}     50 at a time: when one leaves after its ``stay``, a new one starts in its place
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated

from pydantic import BeforeValidator, Discriminator, Field, Tag

from locust_softphone.config.schedule import Stage
from locust_softphone.config.strict_yaml import StrictModel
from locust_softphone.config.units import RATE, PerSecond, Seconds, describe_duration, format_rate
from locust_softphone.text import quoted

__all__ = ["MOST_USERS", "Ramp", "Turnover", "describe_ramp", "stages_of"]

MOST_USERS = 1_000_000


class Rise(StrictModel):
    """A stage that starts softphones."""

    to: int = Field(ge=1, le=MOST_USERS, description="How many softphones have started at its end.")
    over_s: Seconds = Field(
        0.0,
        alias="over",
        description="How long the stage takes; 0s starts all its softphones at the same instant.",
        json_schema_extra={"default": "0s"},
    )


class Hold(StrictModel):
    """A stage that starts no softphones."""

    hold_s: Seconds = Field(alias="hold", description="How long the stage takes.")


class ArrivalRate(StrictModel):
    """A ramp with an arrival rate."""

    rate_per_s: PerSecond = Field(alias="rate", description="Starts per second.")


def _stage_kind(value: object) -> str:
    is_hold = isinstance(value, Hold) or (isinstance(value, dict) and "hold" in value and "to" not in value)
    return "a hold" if is_hold else "a rise"


class Stages(StrictModel):
    """A ramp of stages, one after the other."""

    stages: tuple[
        Annotated[Annotated[Rise, Tag("a rise")] | Annotated[Hold, Tag("a hold")], Discriminator(_stage_kind)], ...
    ] = Field(strict=False, description="The last stage must reach `users`.")


class Turnover(StrictModel):
    """A ramp that keeps a number of softphones: a new one starts when one leaves."""

    at_once: int = Field(ge=1, le=MOST_USERS, description="How many softphones there are at a time.")
    over_s: Seconds = Field(
        0.0,
        alias="over",
        description="How long it takes until there are so many; at most `stay`.",
        json_schema_extra={"default": "0s"},
    )


def _ramp_kind(value: object) -> str:
    if isinstance(value, Stages) or (isinstance(value, dict) and "stages" in value and "rate" not in value):
        return "in stages"
    if isinstance(value, Turnover) or (isinstance(value, dict) and "at_once" in value):
        return "with turnover"
    return "at a rate" if isinstance(value, (ArrivalRate, dict)) else "over a time"


def _over_a_time(value: object) -> object:
    """Refuse what would be a ramp in another form."""
    if isinstance(value, str) and re.fullmatch(RATE, value):
        raise ValueError(f"{quoted(value)} is a rate, write {{rate: {value}}}")
    return value


Ramp = Annotated[
    Annotated[Seconds, BeforeValidator(_over_a_time), Tag("over a time")]
    | Annotated[ArrivalRate, Tag("at a rate")]
    | Annotated[Stages, Tag("in stages")]
    | Annotated[Turnover, Tag("with turnover")],
    Discriminator(_ramp_kind),
]


def stages_of(
    ramp: float | ArrivalRate | Stages | Turnover, users: int, stay_s: float | None = None
) -> tuple[Stage, ...]:
    """The stages of a schedule for this ramp and number of users.

    Raises:
        ValueError: a ramp with turnover has no ``stay``, or takes longer than that.
    """
    if isinstance(ramp, ArrivalRate):
        return (Stage(users, users / ramp.rate_per_s),)
    if isinstance(ramp, Stages):
        return tuple(Stage(s.to, s.over_s) if isinstance(s, Rise) else Stage(None, s.hold_s) for s in ramp.stages)
    if isinstance(ramp, Turnover):
        return tuple(_turnover(ramp, users, stay_s))
    return (Stage(users, ramp),)


def _turnover(ramp: Turnover, users: int, stay_s: float | None) -> Iterator[Stage]:
    """The first softphones, then again and again those that take their places, each ``stay`` later."""
    if stay_s is None:
        raise ValueError("ramp.at_once: needs stay, after which a softphone leaves and a new one starts")
    if ramp.over_s > stay_s:
        raise ValueError(f"over: longer than stay, so {ramp.at_once} softphones are never there at a time")
    for started in range(0, users, ramp.at_once):
        to = min(started + ramp.at_once, users)
        if started:
            yield Stage(None, stay_s - ramp.over_s)
        yield Stage(to, ramp.over_s * (to - started) / ramp.at_once)


def describe_ramp(ramp: float | ArrivalRate | Stages | Turnover) -> str:
    """The ramp in a few words."""
    if isinstance(ramp, ArrivalRate):
        return f"at {format_rate(ramp.rate_per_s)}"
    if isinstance(ramp, Stages):
        return f"in {len(ramp.stages)} stages"
    if isinstance(ramp, Turnover):
        over = f" over {describe_duration(ramp.over_s)}" if ramp.over_s else ""
        return f"{ramp.at_once} at a time{over}, each replaced when it leaves"
    return f"over {describe_duration(ramp)}" if ramp else "all at the same instant"
