"""How a softphone behaves: what it waits for, what it keeps, and what it does after a refusal.

A profile names a behaviour (``like:``) and overrides what it wants, key by key:

    like: sdk-2.3.1                     everything that behaviours.yaml states for sdk-2.3.1,
    retry: {retry_after: honour}        but this one field of its retry
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from pydantic import ConfigDict, Field, JsonValue, field_validator, model_validator

from locust_softphone.config import strict_yaml
from locust_softphone.config.strict_yaml import StrictModel
from locust_softphone.config.units import PerSecond, Seconds, format_duration, format_rate
from locust_softphone.text import choices, quoted

__all__ = ["Behaviour", "Calls", "Preset", "Retry", "presets", "resolve"]

DEFAULT = "recommended"


def _nothing_required(schema: dict[str, Any]) -> None:
    """In a file every field may be left out: the preset has it."""
    schema.pop("required", None)


def _name_the_presets(schema: dict[str, Any]) -> None:
    schema["enum"] = list(presets())


class Calls(StrictModel):
    """The calls that one softphone sets up, one after the other."""

    model_config = ConfigDict(json_schema_extra=_nothing_required)

    count: int = Field(ge=1, le=1000, description="How many calls each softphone sets up.")
    every_s: Seconds = Field(alias="every", description="From the planned start of a call to that of the next.")


class Retry(StrictModel):
    """What happens after a refusal or a drop: wait, then try again, so many times a call.

    The n-th wait is ``initial * multiplier ** (n - 1)``, at most ``max_wait``, then jitter, then Retry-After.
    """

    model_config = ConfigDict(json_schema_extra=_nothing_required)

    max_retries: int = Field(ge=0, le=1000, description="Tries again for each call set-up, in all its steps together.")
    initial_s: Seconds = Field(alias="initial", description="The first wait, before jitter.")
    multiplier: float = Field(ge=1, le=100, description="Each wait is this many times the one before.")
    max_wait_s: Seconds = Field(alias="max_wait", description="No wait is longer than this, before Retry-After.")
    jitter: Literal["none", "full", "equal"] = Field(
        description="Spreads a wait d: none waits d, full anything up to d, equal anything from d/2 to d."
    )
    retry_after: Literal["ignore", "honour", "add"] = Field(
        description="A refusal's Retry-After (RFC 9110 10.2.3): ignored, waited for at least, or waited for before the "
        "own wait is added on top."
    )
    retry_after_cap_s: Seconds = Field(
        alias="retry_after_cap",
        description="A longer Retry-After counts as this long: no edge can park a client.",
    )
    upgrade_headers: Literal["visible", "hidden"] = Field(
        description="Whether the headers of a refused WebSocket upgrade can be seen; in a browser they cannot."
    )
    remaining: Literal["ignore", "honour"] = Field(
        description="Whether X-RateLimit-Remaining: 0 means to wait until X-RateLimit-Reset."
    )
    unauthorized: Literal["renew", "give-up"] = Field(
        description="After a 401, 403 or refused login: a new token, and then as after any refusal; or the end, as it "
        "is for a token that was given."
    )

    scope: Literal["user", "fleet"] = Field(
        description="Whom a 429 holds back: the softphone that got it, or the whole fleet, until its Retry-After is "
        "over; then all come back in order, at the pace."
    )
    pace_per_s: PerSecond = Field(
        alias="pace",
        description="With scope fleet, how many a second come back once the hold is over, all workers together.",
    )
    budget: float = Field(
        20,  # a client is what it is, but no test should make an edge that is down work 20 times as hard
        ge=1,
        le=1000,
        description="All softphones together never make more than this many times the planned attempts, whatever the "
        "edge does: they give up instead.",
    )

    def describe(self) -> str:
        """The policy in a few words."""
        if not self.max_retries:
            return "never tries again"
        wait = "at once"
        if self.initial_s:
            wait = f"after {format_duration(self.initial_s)}"
            if self.multiplier > 1:
                wait += f" times {self.multiplier:g} up to {format_duration(self.max_wait_s)}"
            wait += f", {'no' if self.jitter == 'none' else self.jitter} jitter"
        told = {"ignore": "ignored", "honour": "honoured", "add": "added"}[self.retry_after]
        fleet = f", a 429 holds back the fleet, then {format_rate(self.pace_per_s)}" if self.scope == "fleet" else ""
        return f"tries again {self.max_retries} times, {wait}, Retry-After {told}{fleet}"


class _Fields(StrictModel):
    """What there is to say about a behaviour, without its name."""

    token: Literal["per-connection", "per-softphone", "shared"] = Field(
        description="A token for each connection, for each softphone as long as it is good, or one for all softphones, "
        "refreshed before it expires."
    )
    ready: Literal["wait", "ignore"] = Field(
        description="Offer only after the edge said that the session is ready, or without waiting for it."
    )
    connection: Literal["reuse", "per-call"] = Field(
        description="One WebSocket for all calls of a softphone, or a new one for each call."
    )
    calls: Calls = Field(description="How many calls, and how far apart.")
    retry: Retry = Field(description="What happens after a refusal or a drop.")
    timeout_s: Seconds = Field(alias="timeout", description="How long one attempt of one step may take.")


class Preset(_Fields):
    """A named behaviour of behaviours.yaml."""

    about: str = Field(description="What it does, in one line.")
    source: str = Field(description="Where that is known from.")


class Behaviour(_Fields):
    """A softphone's behaviour with every field decided: those of its preset, and the overrides of a profile."""

    model_config = ConfigDict(json_schema_extra=_nothing_required)

    like: str = Field(
        DEFAULT,
        description="The named behaviour that fills in every field that is not written.",
        json_schema_extra=_name_the_presets,
    )

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, raw: object) -> object:
        return resolve(raw) if isinstance(raw, dict) else raw

    @field_validator("like")
    @classmethod
    def _known(cls, like: str) -> str:
        if like not in presets():
            raise ValueError(f"{quoted(like)} is no behaviour, {choices(like, presets())}")
        return like

    def describe(self) -> str:
        """The behaviour in words."""
        calls = "1 call"
        if self.calls.count > 1:
            each = "on one connection" if self.connection == "reuse" else "each on a connection of its own"
            calls = f"{self.calls.count} calls, {format_duration(self.calls.every_s)} apart, {each}"
        token = {"shared": "one token for all", "per-softphone": "a token each"}.get(
            self.token, "a token for each connection"
        )
        ready = "waits for ready" if self.ready == "wait" else "offers before ready"
        return f"like {self.like}: {calls}, {token}, {ready}, {self.retry.describe()}"


class _Presets(StrictModel):
    behaviours: dict[str, Preset]


@cache
def presets() -> Mapping[str, Preset]:
    """The named behaviours, in the order of their file."""
    return MappingProxyType(strict_yaml.load(Path(__file__).with_name("behaviours.yaml"), _Presets).behaviours)


def resolve(raw: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """``raw`` on top of the behaviour that it names (else ``recommended``), ``calls`` and ``retry`` key by key."""
    preset = presets().get(str(raw.get("like", DEFAULT))) or presets()[DEFAULT]
    merged = preset.model_dump(mode="json", by_alias=True, exclude={"about", "source"})
    for key, value in raw.items():
        below = merged.get(key)
        merged[key] = {**below, **value} if isinstance(below, dict) and isinstance(value, dict) else value
    return merged
