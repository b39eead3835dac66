"""The figures of a run that can be named: by an expectation, in a report, to other programs.

    answered   rate_limited.offer   closes.1006   outcomes.handshake.timed_out   call_setup.p95   offer.service.p99

Each is somewhere in the run record (``report.record.facts`` finds it), and is a quantity of one kind. A duration is a
response time, from the planned start; ``.service`` is the same from the actual start.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import chain, product
from types import MappingProxyType
from typing import Literal, NamedTuple

from locust_softphone.metrics.outcome import ABNORMAL_CAUSES, Outcome
from locust_softphone.metrics.steps import DIALECTS, request_steps
from locust_softphone.metrics.tally import PERCENTILES

__all__ = ["FIELDS", "FIELD_PATTERN", "Kind", "fields_of", "kind_of"]

Kind = Literal["softphones", "count", "ratio", "seconds"]

CLOSES = r"closes\.[1-4][0-9]{3}"
"""The WebSockets that ended with a code; which codes there are, nobody can list."""


class _Family(NamedTuple):
    """Fields whose names are made of parts, each one of several; an empty one leaves its dot out."""

    kind: Kind
    parts: tuple[tuple[str, ...], ...]

    def names(self) -> Iterator[str]:
        return (".".join(filter(None, parts)) for parts in product(*self.parts))

    def pattern(self) -> str:
        first, *others = self.parts
        return _one_of(first) + "".join(
            rf"(\.{_one_of(tuple(filter(None, part)))}){'?' if '' in part else ''}" for part in others
        )


def _one_of(words: tuple[str, ...]) -> str:
    return f"({'|'.join(map(re.escape, words))})" if len(words) > 1 else re.escape(words[0])


def _families(steps: tuple[str, ...], requests: tuple[str, ...]) -> list[_Family]:
    points = (*PERCENTILES, "max")
    return [
        _Family("softphones", (("planned", "started", "connected", "answered", "gave_up", "unfinished"),)),
        _Family("count", (("calls",), ("planned", "answered"))),
        _Family("count", (("attempts", "rate_limited"), ("", *requests))),
        _Family("count", (("outcomes",), steps, tuple(outcome.value for outcome in Outcome))),
        _Family("count", (("abnormal_closes",), ("", *ABNORMAL_CAUSES))),
        _Family("count", (("retries",), ("", "honoured", "too_early", "over_budget"))),
        _Family("count", (("reconnects",), ("", "failed"))),
        _Family("count", (("closes", "pings_answered"),)),
        _Family("ratio", (("amplification",),)),
        _Family("seconds", (("time_to_connected",),)),
        _Family("seconds", (("call_setup", *steps), ("", "service"), points)),
        _Family("seconds", (("start_lag", "loop_lag", "retry_wait", "retry_early"), points)),
    ]


_STEPS = tuple(dict.fromkeys(step.name for step in chain(*DIALECTS.values())))
_REQUESTS = tuple(dict.fromkeys(chain(*map(request_steps, DIALECTS))))
_ALL = _families(_STEPS, _REQUESTS)

FIELDS: Mapping[str, Kind] = MappingProxyType({name: family.kind for family in _ALL for name in family.names()})
"""Every field that can be listed, of any dialect, and what kind of quantity it is."""

FIELD_PATTERN = "|".join([*(family.pattern() for family in _ALL), CLOSES])
"""A field as a regular expression."""


def kind_of(field: str) -> Kind | None:
    """What kind of quantity a field is; None if it is no field."""
    return "count" if re.fullmatch(CLOSES, field, re.ASCII) else FIELDS.get(field)


@cache
def fields_of(dialect: str) -> frozenset[str]:
    """The fields that a run in this dialect has, as far as they can be listed."""
    families = _families(tuple(step.name for step in DIALECTS[dialect]), request_steps(dialect))
    return frozenset(name for family in families for name in family.names())
