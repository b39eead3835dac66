"""Durations and rates as people write them: ``250ms``, ``60s``, ``1m30s``, ``50/s``, ``300/min``.

A duration is a sum of parts, each a number with its unit, as in Go. A rate is a number per ``s``, ``min`` or ``h``.
A number without a unit is refused, because 60 means seconds in one tool and milliseconds in another. Inside the package
both are plain floats, in seconds and per second; ``Seconds`` and ``PerSecond`` are the types of model fields.

    parse_duration(format_duration(x)) == x        parse_rate(format_rate(x)) == x

This holds exactly, because the arithmetic is decimal.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, WithJsonSchema

from locust_softphone.text import duration, quoted

__all__ = [
    "PerSecond",
    "Period",
    "Seconds",
    "describe_duration",
    "format_duration",
    "format_rate",
    "parse_duration",
    "parse_rate",
]

SECONDS_IN = {"ms": Decimal("0.001"), "s": Decimal(1), "m": Decimal(60), "h": Decimal(3600)}
SECONDS_PER = {"s": 1, "min": 60, "h": 3600}

_DURATION_WORDS = {
    "ms": ("ms", "msec", "millis", "millisecond", "milliseconds"),
    "s": ("s", "sec", "secs", "second", "seconds"),
    "m": ("m", "min", "mins", "minute", "minutes"),
    "h": ("h", "hr", "hrs", "hour", "hours"),
}
_RATE_WORDS = {
    "/s": ("/s", "/sec", "/second", "rps", "tps", "per second"),
    "/min": ("/min", "/minute", "rpm", "per minute"),
    "/h": ("/h", "/hr", "/hour", "per hour"),
}
"""How units are written elsewhere, for advice: the first of each is the only one that is accepted."""

LONGEST_S = 7 * 24 * 3600.0
SHORTEST_S = 1e-6
HIGHEST_PER_S = 1e6
LOWEST_PER_S = 1e-6

NUMBER = r"[0-9]+(\.[0-9]+)?"
DURATION = rf"({NUMBER}(ms|s|m|h))+"
RATE = rf"{NUMBER}/(s|min|h)"
LONGEST_TEXT = 40  # a longer number is a mistake


def parse_duration(text: object) -> float:
    """Read a duration; returns seconds.

    Raises:
        ValueError: not a duration, without a unit, or out of bounds.
    """
    if not _matches(DURATION, text):
        raise ValueError(f"{quoted(text)} is not a duration, {_duration_advice(text)}")
    parts = re.findall(rf"({NUMBER})(ms|s|m|h)", str(text))
    seconds = float(sum(Decimal(number) * SECONDS_IN[unit] for number, _, unit in parts))
    if seconds > LONGEST_S:
        raise ValueError(f"{quoted(text)} is too long, a duration is at most {format_duration(LONGEST_S)}")
    if 0 < seconds < SHORTEST_S:
        raise ValueError(f"{quoted(text)} is too short, write 0s for none")
    return seconds


def parse_rate(text: object) -> float:
    """Read a rate; returns events per second.

    Raises:
        ValueError: not a rate, without a unit, zero, or out of bounds.
    """
    if not _matches(RATE, text):
        raise ValueError(f"{quoted(text)} is not a rate, {_rate_advice(text)}")
    number, unit = str(text).split("/")
    per_s = float(Decimal(number) / SECONDS_PER[unit])
    if not LOWEST_PER_S <= per_s <= HIGHEST_PER_S:
        raise ValueError(f"{quoted(text)} is out of bounds, a rate is above 0 and at most {format_rate(HIGHEST_PER_S)}")
    return per_s


def format_duration(seconds: float) -> str:
    """Write a duration for ``parse_duration``: in milliseconds below a second, else in seconds."""
    exact = Decimal(repr(seconds))
    return f"{_plain(exact * 1000)}ms" if 0 < exact < 1 else f"{_plain(exact)}s"


def describe_duration(seconds: float) -> str:
    """Write a duration for people: as a profile has it, from two minutes on as ``9 min 5 s`` or ``1 h 30 min``."""
    return duration(seconds) if seconds >= 120 else format_duration(seconds)


def format_rate(per_s: float) -> str:
    """Write a rate for ``parse_rate``, in the unit that makes the shortest number."""
    numbers = {unit: Decimal(repr(per_s * seconds)) for unit, seconds in SECONDS_PER.items()}
    exact = {unit: _plain(number) for unit, number in numbers.items() if float(number / SECONDS_PER[unit]) == per_s}
    unit = min(exact, key=lambda unit: len(exact[unit]))
    return f"{exact[unit]}/{unit}"


def _matches(pattern: str, text: object) -> bool:
    return isinstance(text, str) and len(text) <= LONGEST_TEXT and re.fullmatch(pattern, text) is not None


def _duration_advice(text: object) -> str:
    """What to write instead. A large number without a unit is probably in milliseconds, as in JMeter and JavaScript."""
    number, word = _number_and_word(text)
    if number is None:
        return "write 250ms, 60s, 2m or 1m30s"
    if not word and Decimal(number) >= 1000:
        return f"did you mean milliseconds? Then write {format_duration(float(number) / 1000)}; seconds are {number}s"
    if not word:
        return f"write {number}ms or {number}s" if Decimal(number) >= 100 else f"write {number}s"
    if unit := _unit(word, _DURATION_WORDS):
        return f"write {number}{unit}"
    return f"{'it is a rate; ' if _unit(word, _RATE_WORDS) else ''}write 250ms, 60s, 2m or 1m30s"


def _rate_advice(text: object) -> str:
    """What to write instead."""
    number, word = _number_and_word(text)
    if number is not None and (unit := _unit(word, _RATE_WORDS) if word else "/s"):
        return f"write {number}{unit}"
    is_duration = number is not None and _unit(word, _DURATION_WORDS)
    return f"{'it is a duration; ' if is_duration else ''}write 50/s, 300/min or 10/h"


def _number_and_word(text: object) -> tuple[str | None, str]:
    """A number and the word after it, without spaces around a slash; None if the text is something else."""
    parts = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s{0,3}(\D{0,20}?)\s{0,3}", str(text), re.ASCII)
    return (parts[1], re.sub(r"\s*/\s*", "/", parts[2].lower())) if parts else (None, "")


def _unit(word: str, words: Mapping[str, tuple[str, ...]]) -> str | None:
    return next((unit for unit, spellings in words.items() if word in spellings), None)


def _plain(number: Decimal) -> str:
    """``number`` without an exponent and without trailing zeros."""
    return f"{number.normalize():f}"


Seconds = Annotated[
    float,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": f"^{DURATION}$", "examples": ["250ms", "60s", "2m", "1m30s"]}),
]
"""A duration: seconds as a float in Python, ``60s`` in YAML and JSON."""


def _above_zero(seconds: float) -> float:
    if not seconds > 0:
        raise ValueError("must be longer than 0s")
    return seconds


Period = Annotated[Seconds, AfterValidator(_above_zero)]
"""A duration above 0 seconds."""

PerSecond = Annotated[
    float,
    BeforeValidator(parse_rate),
    PlainSerializer(format_rate, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": f"^{RATE}$", "examples": ["50/s", "300/min", "10/h"]}),
]
"""A rate: events per second as a float in Python, ``50/s`` in YAML and JSON."""
