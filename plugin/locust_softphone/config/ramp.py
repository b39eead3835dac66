"""The ramp of a profile: when its softphones start.

60s                  over a minute; 0s: all at the same instant
{rate: 50/s}         at an arrival rate
{stages: [{to: 100, over: 10s}, {hold: 30s}, {to: 500, over: 60s}]}
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, Discriminator, Field, Tag

from locust_softphone.config.schedule import Stage
from locust_softphone.config.strict_yaml import StrictModel
from locust_softphone.config.units import RATE, PerSecond, Seconds, describe_duration, format_rate
from locust_softphone.text import quoted

__all__ = ["MOST_USERS", "Ramp", "describe_ramp", "stages_of"]

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


def _ramp_kind(value: object) -> str:
    if isinstance(value, Stages) or (isinstance(value, dict) and "stages" in value and "rate" not in value):
        return "in stages"
    return "at a rate" if isinstance(value, (ArrivalRate, dict)) else "over a time"


def _over_a_time(value: object) -> object:
    """Refuse what would be a ramp in another form."""
    if isinstance(value, str) and re.fullmatch(RATE, value):
        raise ValueError(f"{quoted(value)} is a rate, write {{rate: {value}}}")
    return value


Ramp = Annotated[
    Annotated[Seconds, BeforeValidator(_over_a_time), Tag("over a time")]
    | Annotated[ArrivalRate, Tag("at a rate")]
    | Annotated[Stages, Tag("in stages")],
    Discriminator(_ramp_kind),
]


def stages_of(ramp: float | ArrivalRate | Stages, users: int) -> tuple[Stage, ...]:
    """The stages of a schedule for this ramp and number of users."""
    if isinstance(ramp, ArrivalRate):
        return (Stage(users, users / ramp.rate_per_s),)
    if isinstance(ramp, Stages):
        return tuple(Stage(s.to, s.over_s) if isinstance(s, Rise) else Stage(None, s.hold_s) for s in ramp.stages)
    return (Stage(users, ramp),)


def describe_ramp(ramp: float | ArrivalRate | Stages) -> str:
    """The ramp in a few words."""
    if isinstance(ramp, ArrivalRate):
        return f"at {format_rate(ramp.rate_per_s)}"
    if isinstance(ramp, Stages):
        return f"in {len(ramp.stages)} stages"
    return f"over {describe_duration(ramp)}" if ramp else "all at the same instant"
