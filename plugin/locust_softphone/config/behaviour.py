"""How a softphone behaves: when it offers, which tokens and connections it reuses, and how it retries.

A profile names a behaviour (``like:``) and overrides single keys of it:

    like: sdk-2.3.1                     everything as behaviours.yaml has it for sdk-2.3.1,
    retry: {retry_after: honour}        except this one key of its retry
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
    """Every key may be left out in a file: the preset has a value for it."""
    schema.pop("required", None)


def _name_the_presets(schema: dict[str, Any]) -> None:
    schema["enum"] = list(presets())


class Calls(StrictModel):
    """The calls of one softphone, one after the other."""

    model_config = ConfigDict(json_schema_extra=_nothing_required)

    count: int = Field(ge=1, le=1000, description="Number of calls of each softphone.")
    every_s: Seconds = Field(
        alias="every", description="Time from the planned start of a call to the planned start of the next one."
    )


class Adaptive(StrictModel):
    """A client that slows down at a 429 and speeds up without: the retry mode "adaptive" of the AWS SDKs."""

    beta: float = Field(0.7, gt=0, lt=1, description="After a 429 the rate is this share of the measured rate.")
    scale: float = Field(
        0.4, gt=0, le=100, description="How fast the rate grows: scale * (t - k)^3, t seconds after the last 429."
    )
    slowest_per_s: PerSecond = Field(0.5, alias="slowest", description="The rate is never below this.")


class Retry(StrictModel):
    """How a softphone retries a step that was refused or failed.

    The n-th wait is ``initial * multiplier ** (n - 1)``, at most ``max_wait``. Then come jitter and Retry-After.
    """

    model_config = ConfigDict(json_schema_extra=_nothing_required)

    max_retries: int = Field(
        ge=0,
        le=1000,
        description="Retries of one step in one call set-up. The token, the handshake and the offer count separately.",
    )
    initial_s: Seconds = Field(alias="initial", description="The first wait, before jitter.")
    multiplier: float = Field(ge=1, le=100, description="Each wait is this many times as long as the one before.")
    max_wait_s: Seconds = Field(alias="max_wait", description="The longest wait, before Retry-After.")
    jitter: Literal["none", "full", "equal"] = Field(
        description="How a wait d is spread: none waits d, full between 0 and d, equal between d/2 and d."
    )
    retry_after: Literal["ignore", "honour", "add"] = Field(
        description="What a Retry-After header does (RFC 9110 10.2.3): ignore it, honour it as the shortest wait, or "
        "add the client's own wait to it."
    )
    retry_after_cap_s: Seconds = Field(
        alias="retry_after_cap",
        description="A longer Retry-After counts as this long, so that an edge cannot stop a client for good.",
    )
    upgrade_headers: Literal["visible", "hidden"] = Field(
        description="Whether the client sees the headers of a refused WebSocket upgrade. A browser hides them."
    )
    remaining: Literal["ignore", "honour"] = Field(
        description="With honour, an answer that says that nothing is left of a limit makes the client wait until the "
        "limit resets."
    )
    unauthorized: Literal["renew", "give-up"] = Field(
        description="After a 401, a 403 or a refused login: renew fetches a new token and retries; give-up ends the "
        "call. A token from a users file is never renewed."
    )

    scope: Literal["user", "fleet"] = Field(
        description="Who waits after a 429: user, only the softphone that got it; fleet, all softphones, until the "
        "Retry-After is over. They then continue in order, at the pace."
    )
    pace_per_s: PerSecond = Field(
        alias="pace",
        description="With scope fleet: how many softphones a second continue after the wait, over all workers.",
    )
    adaptive: Adaptive | None = Field(
        None,
        description="A rate limit of the client's own for each step, which adapts to the 429s; `{}` for the settings "
        "of the AWS SDKs. With scope user each softphone has its own; with scope fleet all softphones of a process "
        "share one, and a 429 does not pause them.",
    )
    budget: float = Field(
        20,  # high enough for every real client, low enough to protect an edge that is down
        ge=1,
        le=1000,
        description="All softphones together never make more than this many times the planned attempts. Beyond that "
        "they give up.",
    )

    @property
    def pauses_fleet(self) -> bool:
        """Whether a 429 holds back all softphones."""
        return self.scope == "fleet" and self.adaptive is None

    def describe(self) -> str:
        """The retry policy in a few words."""
        if not self.max_retries:
            return "never retries"
        wait = "immediately"
        if self.initial_s:
            wait = f"after {format_duration(self.initial_s)}"
            if self.multiplier > 1:
                wait += f" times {self.multiplier:g} up to {format_duration(self.max_wait_s)}"
            wait += f", {'no' if self.jitter == 'none' else self.jitter} jitter"
        retry_after = {"ignore": "ignored", "honour": "honoured", "add": "added"}[self.retry_after]
        fleet = f", a 429 pauses the whole fleet, then {format_rate(self.pace_per_s)}" if self.pauses_fleet else ""
        whose = "all share" if self.scope == "fleet" else "each has"
        adaptive = f", {whose} a rate that adapts to the 429s" if self.adaptive else ""
        return f"retries {self.max_retries} times, {wait}, Retry-After {retry_after}{fleet}{adaptive}"


class _Keys(StrictModel):
    """The keys that every behaviour has."""

    token: Literal["per-connection", "per-softphone", "shared"] = Field(
        description="Where tokens are reused: per-connection fetches one for each connection; per-softphone keeps it "
        "until it expires; shared uses one for all softphones and refreshes it before it expires."
    )
    ready: Literal["wait", "ignore"] = Field(
        description="wait sends an offer only after the edge reported that the session is ready; ignore does not wait."
    )
    connection: Literal["reuse", "per-call"] = Field(
        description="One WebSocket for all calls of a softphone, or a new one for each call."
    )
    calls: Calls = Field(description="How many calls each softphone makes, and how far apart.")
    retry: Retry = Field(description="How a step that was refused or failed is retried.")
    timeout_s: Seconds = Field(alias="timeout", description="Time limit of one attempt of one step.")

    @field_validator("timeout_s")
    @classmethod
    def _allows_an_answer(cls, timeout_s: float) -> float:
        if not timeout_s:
            raise ValueError("0s: every attempt would fail before its answer, give it the time that a client waits")
        return timeout_s


class Preset(_Keys):
    """A named behaviour of behaviours.yaml."""

    about: str = Field(description="What it does, in one line.")
    source: str = Field(description="Where that is known from.")


class Behaviour(_Keys):
    """A softphone's behaviour with every key set: from its preset, or overridden by the profile."""

    model_config = ConfigDict(json_schema_extra=_nothing_required)

    like: str = Field(
        DEFAULT,
        description="The named behaviour that provides every key that the profile does not set.",
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
            raise ValueError(f"{quoted(like)} is not a behaviour, {choices(like, presets())}")
        return like

    def describe(self) -> str:
        """The behaviour in words."""
        calls = "1 call"
        if self.calls.count > 1:
            each = "on one connection" if self.connection == "reuse" else "each on its own connection"
            calls = f"{self.calls.count} calls, {format_duration(self.calls.every_s)} apart, {each}"
        token = {
            "shared": "one token for all",
            "per-softphone": "a token for each softphone",
            "per-connection": "a token for each connection",
        }[self.token]
        ready = "waits for ready" if self.ready == "wait" else "offers before ready"
        return f"like {self.like}: {calls}, {token}, {ready}, {self.retry.describe()}"


class _Presets(StrictModel):
    behaviours: dict[str, Preset]


@cache
def presets() -> Mapping[str, Preset]:
    """The named behaviours, in the order of their file."""
    return MappingProxyType(strict_yaml.load(Path(__file__).with_name("behaviours.yaml"), _Presets).behaviours)


def resolve(raw: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """``raw``, and what it does not set from the preset that it names; ``calls`` and ``retry`` are merged by key."""
    preset = presets().get(str(raw.get("like", DEFAULT))) or presets()[DEFAULT]
    merged = preset.model_dump(mode="json", by_alias=True, exclude={"about", "source"})
    for key, value in raw.items():
        below = merged.get(key)
        merged[key] = {**below, **value} if isinstance(below, dict) and isinstance(value, dict) else value
    return merged
