"""The model of a profile: how many softphones, when they start, how they behave, and what the run must show.

    name: burst-500
    users: 500
    ramp: 60s           or 0s · {rate: 50/s} · {stages: [{to: 100, over: 10s}, {hold: 30s}, {to: 500, over: 60s}]}
    hold: 20s
    softphone: {like: sdk-2.1.0, retry: {max_retries: 0}}
    expect: [rate_limited == 0]

The first comment of a profile's file says what it shows; it becomes ``about``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Self

from pydantic import Field, ValidationInfo, field_validator

from locust_softphone.config.behaviour import Behaviour
from locust_softphone.config.expectation import Expectation, ExpectationEntry
from locust_softphone.config.old_spellings import modernized
from locust_softphone.config.ramp import MOST_USERS, Ramp, Turnover, describe_ramp, stages_of
from locust_softphone.config.schedule import Arrivals, Schedule, Stage
from locust_softphone.config.sip_settings import SipSettings
from locust_softphone.config.strict_yaml import StrictModel
from locust_softphone.config.units import LONGEST_S, Seconds, describe_duration, format_duration
from locust_softphone.config.wire import Wire, WireOrFile
from locust_softphone.metrics.catalogue import KINDS, metrics_of
from locust_softphone.metrics.steps import DEFAULT_DIALECT, DIALECTS, known_dialects, request_steps, steps_of
from locust_softphone.text import did_you_mean, quoted

__all__ = ["NAME", "Profile"]

NAME = "[A-Za-z0-9][A-Za-z0-9._-]{0,63}"


class Profile(StrictModel):
    """A profile with every key set: from its file, or by default."""

    name: str = Field(
        description="Name of the run and of its folder; in the pack, the file's name without .yaml.",
        json_schema_extra={"pattern": f"^{NAME}$"},
    )
    about: str = Field("", description="What the profile shows (default: the file's first comment).")
    users: int = Field(ge=1, le=MOST_USERS, description="The total number of softphones.")
    ramp: Ramp = Field(
        description="When they start: over a duration (0s: all at the same instant), at an arrival rate, or in stages."
    )
    arrivals: Arrivals = Field("uniform", description="Evenly spaced starts, or starts like a Poisson process.")
    seed: int = Field(
        0, ge=0, le=2**32 - 1, description="Seed of the Poisson arrivals; the same seed gives the same plan."
    )
    hold_s: Seconds = Field(
        15.0,
        alias="hold",
        description="How long the run goes on after the last start.",
        json_schema_extra={"default": "15s"},
    )
    stay_s: Seconds | None = Field(
        None,
        alias="stay",
        validate_default=True,
        description="How long a softphone stays after its start, then hangs up (default: to the end of the run).",
    )
    ramp_down_s: Seconds | None = Field(
        None,
        alias="ramp_down",
        description="In how much time before the end of the run the softphones leave one by one, the first one first "
        "(default: all leave at the end).",
    )
    dialect: str = Field(
        DEFAULT_DIALECT,
        description="The protocol: the simulated edge's own, the one of Genesys Cloud, SIP over WebSocket, or an "
        "installed package's.",
        json_schema_extra={"anyOf": [{"enum": list(DIALECTS)}, {"type": "string", "pattern": f"^{NAME}$"}]},
    )
    wire: WireOrFile | None = Field(
        None,
        description="What softphones of the dialect media-offer send and expect, or a file with it beside the profile "
        "(default: the dialect's own wire).",
    )
    sip: SipSettings | None = Field(
        None, description="The users of the softphones and whom they call, in the dialect sip (default: all defaults)."
    )
    allow_cut_short: bool = Field(
        False, description="Whether the run is valid although scripts of softphones had not finished when it ended."
    )
    edge: dict[str, Any] = Field(
        default_factory=dict,
        description="Policy of the simulated edge that is started for this profile, unless there is a policy file.",
    )
    softphone: Behaviour = Field(
        default_factory=lambda: Behaviour.model_validate({}), description="How each softphone behaves."
    )
    expect: tuple[ExpectationEntry, ...] = Field(
        (), strict=False, description="Expectations that must hold for exit code 0."
    )

    reproduces: bool = Field(
        False,
        description="Whether a failure is what the profile shows: a run that meets its expectations is then described "
        "as one that reproduced the failure.",
    )

    @field_validator("name")
    @classmethod
    def _names_a_folder(cls, name: str) -> str:
        if not re.fullmatch(NAME, name):
            raise ValueError(f"{quoted(name)} cannot name a folder, use up to 64 letters, digits, dots, - and _")
        return name

    @field_validator("dialect")
    @classmethod
    def _is_known(cls, dialect: str) -> str:
        if dialect not in known_dialects():
            raise ValueError(f"{quoted(dialect)} is not one of the choices, {did_you_mean(dialect, known_dialects())}")
        steps_of(dialect)  # those of an installed package may not be usable
        return dialect

    @field_validator("wire")
    @classmethod
    def _is_of_the_dialect(cls, wire: Wire | None, info: ValidationInfo) -> Wire | None:
        if wire is not None and info.data.get("dialect", DEFAULT_DIALECT) != DEFAULT_DIALECT:
            raise ValueError(f"only the dialect {DEFAULT_DIALECT} has one")
        return wire

    @field_validator("ramp")
    @classmethod
    def _reaches_the_users(cls, ramp: Ramp, info: ValidationInfo) -> Ramp:
        if "users" in info.data and not isinstance(ramp, Turnover):
            stages = stages_of(ramp, info.data["users"])
            Schedule(info.data["users"], stages)
            if sum(stage.over_s for stage in stages) > LONGEST_S:
                raise ValueError(f"takes longer than {format_duration(LONGEST_S)}, the longest that is accepted")
        return ramp

    @field_validator("hold_s")
    @classmethod
    def _lets_the_last_one_call(cls, hold_s: float) -> float:
        if not hold_s:
            raise ValueError("0s: the plan would be over when the last softphone starts, give it time for its calls")
        return hold_s

    @field_validator("stay_s")
    @classmethod
    def _makes_a_turnover(cls, stay_s: float | None, info: ValidationInfo) -> float | None:
        if stay_s == 0:
            raise ValueError("0s: each softphone would leave at its start, give it time for its calls")
        ramp = info.data.get("ramp")
        if "users" in info.data and isinstance(ramp, Turnover):
            stages = stages_of(ramp, info.data["users"], stay_s)
            if sum(stage.over_s for stage in stages) > LONGEST_S:
                raise ValueError(f"the ramp takes longer than {format_duration(LONGEST_S)}")
        return stay_s

    @field_validator("ramp_down_s")
    @classmethod
    def _begins_after_the_last_start(cls, ramp_down_s: float | None, info: ValidationInfo) -> float | None:
        after_last_s = _after_last_start_s(info.data)
        if ramp_down_s is not None and ramp_down_s >= after_last_s:
            rest = format_duration(after_last_s)
            raise ValueError(f"begins before the last start, which is {rest} before the end; make hold longer")
        return ramp_down_s

    @field_validator("softphone")
    @classmethod
    def _has_time_for_its_calls(cls, softphone: Behaviour, info: ValidationInfo) -> Behaviour:
        dialect = info.data.get("dialect")
        if dialect == "genesys-cloud" and softphone.ready == "ignore":
            raise ValueError(
                "ready: ignore: in the dialect genesys-cloud no softphone can call before its session is ready"
            )
        if dialect == "sip" and softphone.ready == "ignore":
            raise ValueError("ready: ignore: in the dialect sip a softphone calls once it has registered")
        last_call_s = (softphone.calls.count - 1) * softphone.calls.every_s
        present_s = _after_last_start_s(info.data) - (info.data.get("ramp_down_s") or 0.0)
        if last_call_s > present_s:
            end = "the end of the hold" if present_s == info.data.get("hold_s") else "its softphone has left"
            raise ValueError(f"the last call starts after {format_duration(last_call_s)}, after {end}")
        return softphone

    @field_validator("sip")
    @classmethod
    def _speaks_sip(cls, sip: SipSettings | None, info: ValidationInfo) -> SipSettings | None:
        if sip is not None and info.data.get("dialect", "sip") != "sip":
            raise ValueError("only for the dialect sip; write `dialect: sip`, or take this part out")
        return sip

    @field_validator("expect")
    @classmethod
    def _has_the_dialects_metrics(
        cls, expect: tuple[Expectation, ...], info: ValidationInfo
    ) -> tuple[Expectation, ...]:
        dialect = info.data.get("dialect", DEFAULT_DIALECT)
        if foreign := [each.metric for each in expect if each.metric in KINDS.keys() - metrics_of(dialect)]:
            raise ValueError(f"{foreign[0]} is a metric of a step that the dialect {dialect} does not have")
        return expect

    @field_validator("edge")
    @classmethod
    def _contains_no_secret(cls, edge: dict[str, Any]) -> dict[str, Any]:
        if secret := next((key for key in _keys(edge) if key in ("client_secret", "access_token")), None):
            raise ValueError(
                f"{secret}: every run record contains the profile; put secrets into a file for --softphone-policy"
            )
        return edge

    @property
    def dialect_settings(self) -> object:
        """What the profile has for its dialect alone; None for nothing."""
        return self.sip if self.dialect == "sip" else self.wire

    @property
    def duration_s(self) -> float:
        """Seconds from the plan's start to the end of the hold, or until the last softphone has left before that."""
        return self.schedule().last_start_s + (self.hold_s if self.stay_s is None else min(self.hold_s, self.stay_s))

    def schedule(self) -> Schedule:
        """When each softphone starts and leaves."""
        stages = stages_of(self.ramp, self.users, self.stay_s)
        return _schedule(self.users, stages, self.arrivals, self.seed, self.stay_s, self.ramp_down_s or 0.0)

    @classmethod
    def from_resolved(cls, data: Mapping[str, Any]) -> Self:
        """Read what ``resolved`` wrote, also in an older version."""
        return cls.model_validate(modernized(data, cls).data)

    def resolved(self) -> dict[str, Any]:
        """Every key with its value, as plain JSON with units."""
        return self.model_dump(mode="json", by_alias=True)

    def describe(self) -> list[str]:
        """What the run will do, in lines: the starts, the duration, the behaviour, the attempts, the expectations."""
        schedule = self.schedule()
        return [
            self.describe_starts(),
            f"takes {describe_duration(round(self.duration_s, 3))}: the last softphone starts after "
            f"{describe_duration(round(schedule.last_start_s, 3))} and stays for "
            f"{describe_duration(round(self.duration_s - schedule.last_start_s, 3))}",
            *self._describe_leaves(),
            self.softphone.describe(),
            *([f"speaks {self.dialect}"] if self.dialect != DEFAULT_DIALECT else []),
            *([f"has its own policy for the simulated edge: {', '.join(self.edge)}"] if self.edge else []),
            self.describe_attempts(),
            f"expects {', '.join(map(str, self.expect)) or 'nothing'}",
            *(["shows a failure: a run that meets its expectations reproduced it"] if self.reproduces else []),
            *(f"ends early if {each} can no longer hold" for each in self.expect if each.abort),
        ]

    def _describe_leaves(self) -> Iterator[str]:
        if self.stay_s is not None:
            yield f"each softphone stays for {describe_duration(self.stay_s)}, then hangs up"
        if self.ramp_down_s:
            yield f"in the last {describe_duration(self.ramp_down_s)} the softphones leave one by one"

    def describe_starts(self) -> str:
        """How many softphones start, and the largest number of starts in one second."""
        softphones = "1 softphone" if self.users == 1 else f"{self.users} softphones"
        return (
            f"{softphones}, {describe_ramp(self.ramp)}{', Poisson arrivals' if self.arrivals == 'poisson' else ''}: "
            f"at most {self.schedule().peak_starts_per_s()} starts in a second"
        )

    def describe_attempts(self) -> str:
        """How many requests the edge gets without refusals, and at most."""
        return f"{self.planned_attempts()} attempts if none is refused, and never more than {self.most_attempts()}"

    def most_attempts(self) -> int:
        """Attempts in the worst case: the limit of the retry budget.

        Softphones that never retry make fewer: only a 401 leads to a new token and one more attempt.
        """
        within = int(self.planned_attempts() * self.softphone.retry.budget)
        if self.softphone.retry.max_retries:
            return within
        authorized = sum(step != "token" for step in request_steps(self.dialect))
        return min(within, self.users * self.softphone.calls.count * authorized * 2 * 2)

    def attempts_beyond_plan(self) -> float:
        """How many attempts the whole fleet may make in addition to the planned ones."""
        return self.planned_attempts() * (self.softphone.retry.budget - 1)

    def planned_attempts(self) -> int:
        """Attempts of a run in which every attempt succeeds, over all steps of the dialect."""
        return sum(self.planned_requests().values())

    def planned_requests(self) -> dict[str, int]:
        """The attempts of each request step in a run in which every attempt succeeds."""
        offers = self.users * self.softphone.calls.count
        handshakes = self.users if self.softphone.connection == "reuse" else offers
        tokens = {"shared": 1, "per-softphone": self.users}.get(self.softphone.token, handshakes)
        planned = {
            "token": tokens, "identity": self.users, "channel": handshakes, "handshake": handshakes,
            "registration": handshakes, "offer": offers,
        }  # fmt: skip
        return {step: planned[step] for step in request_steps(self.dialect)}


def _after_last_start_s(data: Mapping[str, Any]) -> float:
    """Seconds from the last start to the end of the run, by the values of a profile that have been read so far."""
    hold_s: float = data.get("hold_s", LONGEST_S)
    return min(hold_s, data.get("stay_s") or LONGEST_S)


def _keys(value: object) -> Iterator[object]:
    """Every key in nested mappings and lists."""
    if isinstance(value, dict):
        yield from value
    if isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _keys(inner)


@lru_cache(maxsize=4)  # drawing a million Poisson arrivals takes a second
def _schedule(
    users: int, stages: tuple[Stage, ...], arrivals: Arrivals, seed: int, stay_s: float | None, ramp_down_s: float
) -> Schedule:
    return Schedule(users, stages, arrivals, seed, stay_s, ramp_down_s)
