"""What a run must show: ``metric operator value``.

    rate_limited == 0            a count
    answered >= 99%              a share of the planned softphones
    call_setup.p95 < 800ms       a duration
    amplification <= 1.5         a ratio: attempts for each planned softphone

    {expect: rate_limited == 0, abort: true}      ends the run as soon as it can no longer hold

A metric that was not measured is None, and no expectation about it holds, not even with ``!=``: a run that has not
measured a limit must not pass as one that kept it.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from locust_softphone.config.old_spellings import OldSpellings
from locust_softphone.config.units import format_duration, parse_duration
from locust_softphone.metrics.bounds import Range
from locust_softphone.metrics.catalogue import KINDS, PATTERN, Kind, kind_of
from locust_softphone.text import did_you_mean, nearest, quoted

__all__ = ["Expectation", "ExpectationEntry"]

OPERATORS = {
    "==": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    "<": operator.lt,
    ">=": operator.ge,
    ">": operator.gt,
}

EXAMPLES: Mapping[Kind, str] = {"softphones": "99% or 500", "count": "0", "ratio": "1.5", "seconds": "800ms or 65s"}
KEYS = {"expect", "abort"}


@dataclass(frozen=True)
class Expectation:
    """One entry of ``expect:``.

    Args:
        metric: the name of a metric in the catalogue.
        op: a key of ``OPERATORS``.
        value: what to compare with; seconds for a duration.
        is_share: whether ``value`` is in percent of the planned softphones.
        abort: whether the run ends as soon as the expectation can no longer hold.
    """

    old_spellings: ClassVar = OldSpellings(keys={"that": "expect"})

    metric: str
    op: str
    value: float
    is_share: bool = False
    abort: bool = False

    @classmethod
    def parse(cls, text: object) -> Expectation:
        """Read an expectation that is written as text.

        Raises:
            ValueError: what is wrong with it, and what would be right.
        """
        parts = re.fullmatch(r"\s*([\w.]+)\s*([=!<>]+)\s*([^\s=!<>]+)\s*", text) if isinstance(text, str) else None
        if not parts:
            closed = re.sub(r"\s+%$", "%", text) if isinstance(text, str) else text
            example = "one such as answered == 100%" if closed == text else closed
            raise ValueError(f"{quoted(text)} is not an expectation, write {example}")
        metric, op, value = parts.groups()
        kind = kind_of(metric)
        if kind is None:
            raise ValueError(f"{metric} is not a metric, {_advice(metric)}")
        if op not in OPERATORS:
            advice = "did you mean ==?" if op in ("=", "===") else f"use one of {' '.join(OPERATORS)}"
            raise ValueError(f"{op} is not a comparison, {advice}")
        if kind == "seconds":
            return cls(metric, op, parse_duration(value))
        is_share = kind == "softphones" and value.endswith("%")
        number = value.removesuffix("%") if is_share else value
        whole = r"[0-9]{1,12}" if kind in ("softphones", "count") and not is_share else r"[0-9]{1,12}(\.[0-9]{1,3})?"
        if not re.fullmatch(whole, number, re.ASCII):
            raise ValueError(f"{metric} cannot be compared with {quoted(value)}, write {EXAMPLES[kind]}")
        return cls(metric, op, float(number), is_share)

    @classmethod
    def read(cls, entry: object) -> Expectation:
        """Read an entry of a profile: a text, or a mapping with ``expect`` and ``abort``.

        Raises:
            ValueError: what is wrong with it, and what would be right.
        """
        if not isinstance(entry, Mapping) or not entry.keys() & KEYS:
            return entry if isinstance(entry, Expectation) else cls.parse(entry)
        if unknown := [key for key in entry if key not in KEYS]:
            raise ValueError(f"{quoted(unknown[0])} is an unknown key, {did_you_mean(unknown[0], KEYS)}")
        if "expect" not in entry:
            raise ValueError("has no expectation, write one such as {expect: rate_limited == 0, abort: true}")
        abort = entry.get("abort", False)
        if not isinstance(abort, bool):
            raise ValueError(f"abort must be true or false, not {quoted(abort)}")
        return replace(cls.parse(entry["expect"]), abort=abort)

    def plain(self) -> str | dict[str, Any]:
        """What ``read`` reads back."""
        return {"expect": str(self), "abort": True} if self.abort else str(self)

    def check(self, metrics: Mapping[str, float | None]) -> bool:
        """Whether it held in a run with these metrics: durations in seconds, None for what was not measured."""
        actual, planned = self.measured(metrics), metrics.get("planned")
        if actual is None or (self.is_share and planned is None):
            return False
        return self._compare(actual, planned or 0)

    def measured(self, metrics: Mapping[str, float | None]) -> float | None:
        """The value of its metric. A close code that is not listed has not been seen: it counts 0."""
        return metrics.get(self.metric, 0 if self.metric.startswith("closes.") else None)

    def decided(self, possible: Range, planned: int) -> bool | None:
        """Whether it is certain during a run that it will hold (True) or will not hold (False).

        Args:
            possible: the values that its metric can still have at the end.
            planned: the number of planned softphones.
        """
        if self.op in ("==", "!="):
            equal = self._with("==")._compare(possible.low, planned)
            if equal and possible.low == possible.high:
                return self.op == "=="
            apart = self._with(">")._compare(possible.low, planned) or self._with("<")._compare(possible.high, planned)
            return self.op == "!=" if apart else None
        low, high = self._compare(possible.low, planned), self._compare(possible.high, planned)
        return low if low == high else None

    def _with(self, op: str) -> Expectation:
        return replace(self, op=op)

    def _compare(self, actual: float, planned: float) -> bool:
        if self.is_share:
            actual, limit = actual * 100, self.value * planned
        else:
            limit = self.value
        return bool(OPERATORS[self.op](actual, limit))

    def __str__(self) -> str:
        if kind_of(self.metric) == "seconds":
            return f"{self.metric} {self.op} {format_duration(self.value)}"
        return f"{self.metric} {self.op} {self.value:.15g}{'%' if self.is_share else ''}"


def _advice(metric: str) -> str:
    """The metric with the nearest name, or what names begin with: there are hundreds of them."""
    if near := nearest(metric, (*KINDS, "closes.1006")):
        return f"did you mean {near}?"
    return f"metrics begin with {', '.join(sorted({name.partition('.')[0] for name in KINDS}))}"


_TEXT_SCHEMA = {
    "type": "string",
    "pattern": rf"^({PATTERN}) *({'|'.join(OPERATORS)}) *[0-9][0-9a-z.]*%?$",  # near enough for an editor
    "examples": ["rate_limited == 0", "answered == 100%"],
}
_ABORT = "Whether the run ends as soon as it can no longer hold."
_MAPPING_SCHEMA = {
    "type": "object",
    "description": "An expectation with options.",
    "properties": {
        "expect": {**_TEXT_SCHEMA, "description": "A metric, a comparison and a value (docs/metrics.md)."},
        "abort": {"type": "boolean", "default": False, "description": _ABORT},
    },
    "required": ["expect"],
    "additionalProperties": False,
}

ExpectationEntry = Annotated[
    Expectation,
    PlainValidator(Expectation.read),
    PlainSerializer(Expectation.plain, return_type=str | dict[str, Any], when_used="json"),
    WithJsonSchema({"anyOf": [_TEXT_SCHEMA, _MAPPING_SCHEMA]}),
]
"""An expectation as a field of a profile."""
