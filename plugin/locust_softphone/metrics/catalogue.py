"""Every metric of a run, defined once: ``METRICS`` is the table that expectations, records and reports look it up in.

    answered   rate_limited.offer   closes.1006   outcomes.handshake.timed_out   call_setup.p95   offer.service.p99

A row is one metric, or a family whose name has parts in braces. Its value comes from one of three places:

    while a run goes on   ``tally``: by default the counter of the same name
    from a run record     ``record``: the path of the value in the record
    both                  ``of``: worked out from other metrics

To add a metric, add a row. ``python -m locust_softphone.metrics.reference`` then writes docs/metrics.md anew.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product
from types import MappingProxyType
from typing import Literal

from locust_softphone.limits.advice import RESET_FORMS
from locust_softphone.metrics import bounds
from locust_softphone.metrics.bounds import Bounds, Range
from locust_softphone.metrics.histogram import PERCENTILES
from locust_softphone.metrics.outcome import ABNORMAL_CAUSES, Outcome
from locust_softphone.metrics.run_so_far import RunSoFar
from locust_softphone.metrics.steps import DIALECTS, request_steps, steps_of

__all__ = [
    "KINDS",
    "METRICS",
    "PARTS",
    "PATTERN",
    "Kind",
    "Metric",
    "Values",
    "bounds_of",
    "kind_of",
    "metrics_of",
    "values_of",
]

Kind = Literal["softphones", "count", "ratio", "seconds"]


class Values:
    """The metrics of one run. Each is worked out when it is asked for; None if it was not measured.

    Args:
        dialect: the run's dialect.
        read: the value of a metric that is not worked out from others.
        codes: the close codes that WebSockets ended with.
    """

    def __init__(
        self, dialect: str, read: Callable[[Metric, str], float | None], codes: Callable[[], Iterable[str]]
    ) -> None:
        self._dialect = dialect
        self._read = read
        self._codes = codes

    def get(self, name: str) -> float | None:
        """The value of a metric."""
        metric = _metric(name)
        return self._read(metric, name) if metric.of is None else metric.of(self, name)

    def __getitem__(self, name: str) -> float:
        """The value of a metric that every run has; 0 if nothing was counted."""
        return self.get(name) or 0

    def sum(self, family: str) -> float:
        """The sum of all metrics of a family."""
        return sum(self[name] for name in _names(family, self._dialect, self._codes()))

    def all(self) -> dict[str, float | None]:
        """All of them, by name."""
        codes = list(self._codes())
        return {name: self.get(name) for metric in METRICS for name in metric.names(self._dialect, codes)}


# How a metric is read from what was measured.


def _counter(run: RunSoFar, name: str) -> float:
    return run.count(name)


def _percentile(run: RunSoFar, name: str) -> float | None:
    histogram, _, point = name.rpartition(".")
    return run.duration_s(histogram, point)


def _last_connected(run: RunSoFar, name: str) -> float | None:
    return run.last_s("connected") if run.all_connected else None


@dataclass(frozen=True)
class Metric:
    """A metric, or a family of metrics.

    Args:
        name: its name; the parts in braces stand for each of ``PARTS``.
        kind: what kind of quantity it is: softphones can be compared with a share of the planned ones.
        about: what it says, in one line.
        record: where a run record has it: names of attributes and keys, with the parts of ``name``.
        of: works it out from other metrics.
        how: in words, how ``of`` or ``tally`` does that.
        tally: reads it from what was measured.
        range: the values that it can still have when the run ends.
    """

    name: str
    kind: Kind
    about: str
    record: str = ""
    of: Callable[[Values, str], float | None] | None = None
    how: str = "counter"
    tally: Callable[[RunSoFar, str], float | None] = _counter
    range: Bounds = bounds.only_grows

    def names(self, dialect: str, codes: Iterable[str] = ()) -> Iterator[str]:
        """The names that the family has in a dialect; ``codes`` are the close codes to name."""
        return _names(self.name, dialect, codes)

    def path(self, name: str) -> list[str]:
        """Where a run record has the metric of this name."""
        parts = _match(self.name, name)
        return [part.format_map(parts) for part in self.record.split("/")]


def _sum(family: str) -> Callable[[Values, str], float]:
    return lambda run, name: run.sum(family)


def _durations(name: str, about: str, record: str, range: Bounds = bounds.any_number) -> Metric:
    return Metric(name, "seconds", about, record, how="histogram", tally=_percentile, range=range)


METRICS: tuple[Metric, ...] = (
    # Softphones.
    Metric(
        "planned", "softphones", "softphones of the plan", "totals/planned",
        how="the plan", tally=lambda run, name: run.planned, range=bounds.planned,
    ),
    Metric("started", "softphones", "softphones that made an attempt", "totals/started", range=bounds.up_to_planned),
    Metric(
        "connected", "softphones", "softphones that completed a handshake at least once", "totals/connected",
        range=bounds.up_to_planned,
    ),
    Metric(
        "answered", "softphones", "softphones all of whose calls were answered", "totals/answered",
        range=bounds.one_or_the_other,
    ),
    Metric(
        "gave_up", "softphones", "softphones of which a call set-up failed for good while there was time to try again",
        "totals/gave_up", range=bounds.one_or_the_other,
    ),
    Metric(
        "unfinished", "softphones", "softphones that started, and were neither answered nor gave up",
        of=lambda run, name: run["started"] - run["answered"] - run["gave_up"],
        how="`started` - `answered` - `gave_up`", range=bounds.undecided,
    ),
    Metric(
        "scripts_cut_short", "softphones", "softphones whose script had not finished when the run ended",
        "totals/scripts_cut_short", range=bounds.up_to_planned,
    ),
    # Calls.
    Metric(
        "calls.planned", "count", "calls of the plan: softphones times the calls of each", "totals/calls_planned",
        how="the plan", tally=lambda run, name: run.calls_planned, range=bounds.calls_planned,
    ),
    Metric("calls.answered", "count", "calls that were answered", "totals/calls_answered"),
    Metric(
        "inbound_calls_answered", "count",
        "calls that others made to the softphones, answered (genesys-cloud, sip)", "inbound_calls_answered",
    ),
    # Attempts.
    Metric(
        "attempts", "count", "requests of all steps that the edge counts too",
        of=_sum("attempts.{request}"), how="sum of `attempts.{request}`",
    ),
    Metric("attempts.{request}", "count", "attempts of one such step", "steps/{request}/attempts"),
    Metric(
        "outcomes.{step}.{outcome}", "count", "attempts of a step that ended in one way",
        "steps/{step}/outcomes/{outcome}",
    ),
    Metric(
        "rate_limited", "count", "requests that were answered with HTTP 429",
        of=_sum("rate_limited.{request}"), how="sum of `rate_limited.{request}`",
    ),
    Metric(
        "rate_limited.{request}", "count", "requests of one step that were answered with HTTP 429",
        of=lambda run, name: run[f"outcomes.{name.partition('.')[2]}.rate_limited"],
        how="`outcomes.{request}.rate_limited`",
    ),
    Metric(
        "amplification", "ratio", "attempts for each planned softphone",
        of=lambda run, name: run["attempts"] / run["planned"] if run["planned"] else None,
        how="`attempts` / `planned`",
    ),
    # WebSockets.
    Metric("closes", "count", "WebSockets that ended", of=_sum("closes.{code}"), how="sum of `closes.{code}`"),
    Metric("closes.{code}", "count", "WebSockets that ended with a close code (RFC 6455 7.4)", "closes/{code}"),
    Metric(
        "abnormal_closes", "count", "WebSockets that ended with 1006",
        of=_sum("abnormal_closes.{cause}"), how="sum of `abnormal_closes.{cause}`",
    ),
    Metric(
        "abnormal_closes.{cause}", "count", "WebSockets that ended with 1006, by cause", "abnormal_closes/{cause}",
    ),
    Metric(
        "own_cuts", "count", "WebSockets that softphones closed because of a refused login, or without `ready` in time",
        "own_cuts",
    ),
    Metric(
        "dropped_in_stall", "count",
        "WebSockets that ended while the generator stood still for 1 s or more: its silence may be the reason",
        "dropped_in_stall",
    ),
    Metric(
        "cut_off", "count", "WebSockets that were dropped without a close handshake after the plan's end", "cut_off",
    ),
    Metric("pings_answered", "count", "pings of the edge that were answered", "pings_answered"),
    Metric("reconnects", "count", "dropped calls that were set up again", "reconnects/made"),
    Metric("reconnects.failed", "count", "dropped calls that were not set up again", "reconnects/failed"),
    # Connections.
    Metric("tls_handshakes", "count", "TLS handshakes that were completed", "tls_handshakes/all"),
    Metric(
        "tls_handshakes.full", "count",
        "TLS handshakes with a certificate; in the others a session was resumed (RFC 8446 2.2)", "tls_handshakes/full",
    ),
    Metric(
        "connections_reopened", "count",
        "kept HTTP connections that the edge had closed when they were to be used again (RFC 9112 9.5)",
        "connections_reopened",
    ),
    # Retries.
    Metric("retries", "count", "retries that were decided on", "retries/made"),
    Metric("retries.honoured", "count", "retries that came when their Retry-After was over", "retries/honoured"),
    Metric("retries.too_early", "count", "retries that came before their Retry-After was over", "retries/too_early"),
    Metric(
        "retries.over_budget", "count", "attempts that were not made because the retry budget was spent",
        "retries/over_budget",
    ),
    Metric(
        "resets.{reset}", "count",
        "answers that said that nothing is left of a limit, by the header of the reset: `X-RateLimit-Reset` read as "
        "seconds or as an epoch, `inin-ratelimit-reset`, or `RateLimit`", "resets/{reset}",
    ),
    _durations("retry_wait.{point}", "how long retries were waited for", "retries/wait_s/{point}"),
    _durations("retry_early.{point}", "how much too early retries came", "retries/early_s/{point}"),
    # Durations.
    Metric(
        "time_to_connected", "seconds", "from the plan's start until all softphones were connected",
        "time_to_connected_s", how="the last `connected`", tally=_last_connected, range=bounds.now_or_later,
    ),
    _durations(
        "call_setup.{point}", "from a call's planned start to its answer", "call_setup/response_s/{point}",
        bounds.of_calls,
    ),
    _durations(
        "call_setup.service.{point}", "from a call's actual start to its answer", "call_setup/service_s/{point}",
        bounds.of_calls,
    ),
    _durations("{step}.{point}", "from an attempt's planned start to its end", "steps/{step}/response_s/{point}"),
    _durations("{step}.service.{point}", "from an attempt's actual start to its end", "steps/{step}/service_s/{point}"),
    _durations(
        "start_lag.{point}", "from a softphone's planned start to its actual start", "start_lag_s/{point}",
        bounds.of_softphones,
    ),
    _durations(
        "call_setup.lag.{point}", "how much of a call's set-up time the event loop of the generator was late",
        "generator/call_setup_lag_s/{point}",
    ),
    _durations(
        "loop_lag.{point}", "how late the event loop of the generator wakes a greenlet", "generator/loop_lag_s/{point}"
    ),
)  # fmt: skip

PARTS: Mapping[str, Callable[[str], tuple[str, ...]]] = MappingProxyType(
    {
        "step": lambda dialect: tuple(step.name for step in steps_of(dialect)),
        "request": request_steps,
        "outcome": lambda dialect: tuple(outcome.value for outcome in Outcome),
        "cause": lambda dialect: ABNORMAL_CAUSES,
        "reset": lambda dialect: RESET_FORMS,
        "point": lambda dialect: (*PERCENTILES, "max"),
        "code": lambda dialect: (),
    }
)
"""The parts of names: which there are in a dialect. Any close code may occur, so they are not listed."""

_CODE = "[1-4][0-9]{3}"


def _names(family: str, dialect: str, codes: Iterable[str] = ()) -> Iterator[str]:
    """The names of the metrics of a family in a dialect."""
    parts = re.findall(r"\{(\w+)\}", family)
    values = [tuple(codes) if part == "code" else PARTS[part](dialect) for part in parts]
    return (family.format_map(dict(zip(parts, chosen, strict=True))) for chosen in product(*values))


@cache
def _pattern(family: str) -> str:
    """The names of a family, of any dialect, as a regular expression."""

    def any_of(part: re.Match[str]) -> str:
        known = (re.escape(value) for dialect in DIALECTS for value in PARTS[part[1]](dialect))
        return f"({'|'.join(dict.fromkeys(known)) or _CODE})"

    return re.sub(r"\\\{(\w+)\\\}", any_of, re.escape(family))


@cache
def _match(family: str, name: str) -> Mapping[str, str]:
    """The parts of a name of a family."""
    found = re.fullmatch(_pattern(family), name, re.ASCII)
    return dict(zip(re.findall(r"\{(\w+)\}", family), found.groups() if found else (), strict=True))


@cache
def metrics_of(dialect: str) -> frozenset[str]:
    """The names of the metrics that a run in a dialect has, without those of close codes."""
    return frozenset(name for metric in METRICS for name in metric.names(dialect))


_BY_NAME = {name: metric for dialect in DIALECTS for metric in METRICS for name in metric.names(dialect)}
_CLOSES = next(metric for metric in METRICS if metric.name == "closes.{code}")

KINDS: Mapping[str, Kind] = MappingProxyType({name: metric.kind for name, metric in _BY_NAME.items()})
"""The kind of each metric of any dialect, without those of close codes."""

PATTERN = "|".join(_pattern(metric.name) for metric in METRICS)
"""The name of a metric as a regular expression."""


def _metric(name: str) -> Metric:
    metric = _BY_NAME.get(name) or (_CLOSES if re.fullmatch(_pattern(_CLOSES.name), name, re.ASCII) else None)
    if metric is None:
        raise KeyError(name)
    return metric


def kind_of(name: str) -> Kind | None:
    """What kind of quantity a metric is; None if there is no metric of this name."""
    try:
        return _metric(name).kind
    except KeyError:
        return None


def values_of(run: RunSoFar) -> Values:
    """The metrics of a run as far as it has been measured."""
    return Values(run.dialect, lambda metric, name: metric.tally(run, name), lambda: run.parts("closes"))


def bounds_of(name: str, run: RunSoFar) -> Range:
    """The values that a metric can still have when the run ends."""
    return _metric(name).range(run, name, values_of(run)[name])
