"""The parts of a run record. The text below a field is its description in the JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, SerializerFunctionWrapHandler, Strict, model_serializer

from locust_softphone.metrics.outcome import Outcome

__all__ = [
    "AbortedBy",
    "Count",
    "Durations",
    "Expected",
    "Flag",
    "Fleet",
    "GeneratorRecord",
    "Instant",
    "Latencies",
    "Ledger",
    "LedgerRow",
    "MessageDelay",
    "Number",
    "ObservedStep",
    "Reconnects",
    "RecordPart",
    "Retries",
    "SampledRetry",
    "Second",
    "Seconds",
    "SetupTimes",
    "Simulation",
    "Step",
    "Target",
    "Times",
    "TlsHandshakes",
    "Totals",
    "Validity",
    "Verdict",
]

Verdict = Literal["passed", "failed", "invalid"]
Count = Annotated[int, Strict(), Field(ge=0)]
Number = Annotated[int, Strict()] | Annotated[FiniteFloat, Strict()]
Seconds = Annotated[FiniteFloat, Strict(), Field(ge=0)]
Flag = Annotated[bool, Strict()]
Instant = Annotated[str, Field(json_schema_extra={"format": "date-time"})]


class RecordPart(BaseModel):
    model_config = ConfigDict(
        frozen=True, use_attribute_docstrings=True, json_schema_extra={"additionalProperties": False}
    )


class Durations(RecordPart):
    """The distribution of some durations; only the count if there are none."""

    count: Count
    """How many durations."""
    p50: Seconds | None = None
    """50 % of them are not longer, in seconds."""
    p90: Seconds | None = None
    """90 % of them are not longer, in seconds."""
    p95: Seconds | None = None
    """95 % of them are not longer, in seconds."""
    p99: Seconds | None = None
    """99 % of them are not longer, in seconds."""
    p99_9: Seconds | None = None
    """99.9 % of them are not longer, in seconds."""
    max: Seconds | None = None
    """The longest, in seconds."""

    @model_serializer(mode="wrap")
    def _without_missing(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in handler(self).items() if value is not None}


class Latencies(RecordPart):
    """The same events, timed from two starts."""

    service_s: Durations
    """From the actual start, in seconds: what the edge took."""
    response_s: Durations
    """From the planned start, in seconds: what a caller felt who waited since then."""


class Step(Latencies):
    """The attempts of one step."""

    attempts: Count
    """Attempts that began."""
    outcomes: dict[str, Count] = Field(json_schema_extra={"propertyNames": {"enum": [each.value for each in Outcome]}})
    """Attempts by outcome; those that are 0 are left out."""
    causes: dict[str, Count] = Field(default={}, max_length=21)
    """Failed attempts by cause, the most frequent first: the outcome, with the HTTP status, close code or broken rule.
    At most 20 causes by name, and the rest as "other causes". Attempts that the run's end cancelled are left out."""
    statuses: dict[str, Count] = {}
    """Attempts that were answered with an HTTP status of 300 or more, by status; older records have none."""


class Target(RecordPart):
    url: str
    """URL: scheme, host and port."""
    simulated: Flag
    """Whether it is this package's simulated edge, which publishes its counters."""
    policy: dict[str, Any] | None = None
    """The simulated edge's policy as resolved, in human units and without secrets; null for any other edge."""


class Simulation(RecordPart):
    seed: Annotated[int, Strict()]
    """Of everything that is random; the same seed gives the same measurements."""
    round_trip_s: Seconds
    """Seconds to the edge and back."""
    jitter_s: Seconds
    """Each way takes up to this many seconds longer, at random."""
    work_s: Seconds
    """Seconds of processor time for each request; requests take it one after the other."""


class Times(RecordPart):
    planned_start: Instant
    """When the plan began: ISO 8601 in UTC, to the millisecond."""
    actual_start: Instant | None = None
    """When the first softphone started: ISO 8601 in UTC, to the millisecond; null if none did."""
    end: Instant
    """When the run ended: ISO 8601 in UTC, to the millisecond."""
    ended: Literal["plan over", "stopped", "aborted", "killed"]
    """Why it ended: its plan was over, it was stopped or aborted before, or it was killed and recovered."""


class Totals(RecordPart):
    planned: Count
    """Softphones of the plan."""
    started: Count
    """Softphones that made an attempt."""
    connected: Count
    """Softphones that completed a handshake at least once."""
    answered: Count
    """Softphones all of whose calls were answered."""
    gave_up: Count
    """Softphones of which a call set-up failed for good while there was time to try again."""
    unfinished: Annotated[int, Strict()]
    """Softphones that started, and were neither answered nor gave up: the plan was over first."""
    scripts_cut_short: Count = 0
    """Softphones whose script had not finished when the run ended."""
    calls_planned: Count
    """Calls of the plan: softphones times the calls of each."""
    calls_answered: Count
    """Calls that were answered."""


class SampledRetry(RecordPart):
    step: str
    """The step that was tried again."""
    deadline_s: Annotated[FiniteFloat, Strict()]
    """Seconds from the plan's start until its Retry-After was over."""
    retried_s: Annotated[FiniteFloat, Strict()]
    """Seconds from the plan's start until it came."""


class ObservedStep(RecordPart):
    """Attempts of one step, or sessions, one by one.

    A column is base64 of zlib (RFC 1950) of little-endian integers, one for each attempt in the order of ``began_us``:
    ``began_us`` (8 bytes; microseconds since the plan's start), ``took_us`` (8), ``answer`` (2; an index of
    ``answers``), ``softphone`` (8; its number in the plan), ``retry_after_ms`` and ``reset_ms`` (8; what was told, or
    -1).
    """

    count: Count
    """How many attempts are in ``columns``."""
    later_count: Count = 0
    """How many are in ``later``."""
    left_out: Count = 0
    """How many are in neither."""
    exact_until_s: Annotated[FiniteFloat, Strict()] | None = None
    """Every attempt that began before this many seconds is in ``columns``; null if there are no others."""
    answers: tuple[str, ...]
    """What came: outcomes, with the HTTP status or close code."""
    columns: dict[str, str]
    """The first attempts, all of them."""
    later: dict[str, str] = {}
    """A random sample of the later ones."""


class Retries(RecordPart):
    made: Count
    """Retries that were decided on."""
    honoured: Count
    """Retries that came when their Retry-After was over, or less than 0.05 s before."""
    too_early: Count
    """Retries that came before their Retry-After was over."""
    over_budget: Count = 0
    """Attempts that were not made because the retry budget was spent."""
    wait_s: Durations
    """How long each retry was waited for."""
    early_s: Durations
    """By how much each retry was too early."""
    sample: tuple[SampledRetry, ...] = Field(default=(), max_length=400)
    """Retries that had been told when to come, by deadline: all of them, or 400 taken at random."""


class Reconnects(RecordPart):
    made: Count
    """Dropped calls that were set up again."""
    failed: Count
    """Dropped calls that were not set up again."""


class GeneratorRecord(RecordPart):
    loop_lag_s: Durations
    """How much later than asked for the event loop woke a greenlet that asks every 0.05 s."""
    call_setup_lag_s: Durations = Durations(count=0)
    """How much of each call's set-up time the event loop was late."""
    cpu_cores: Durations
    """Share of a core that a process used in each second; 1.0 is all of one core."""
    on_time_attempts_per_s: Count
    """The most attempts in one second in which no process's event loop was late."""


class MessageDelay(RecordPart):
    min: Seconds
    """To the nearest worker, in seconds."""
    max: Seconds
    """To the farthest worker, in seconds."""


class Fleet(RecordPart):
    workers: Count
    """How many there were in all."""
    lost: Count
    """How many of them were lost during the run."""
    starts_taken_over: Count
    """How many planned starts of lost workers the others took over."""
    message_delay_s: MessageDelay | None = None
    """How long a message from the master to a worker takes, in seconds: half of the shortest round trip."""


class SetupTimes(RecordPart):
    count: Count
    """How many calls."""
    p50: Seconds
    """50 % of them did not take longer, in seconds."""
    p95: Seconds
    """95 % of them did not take longer, in seconds."""
    p99: Seconds
    """99 % of them did not take longer, in seconds."""


class Second(BaseModel):
    """One second of the timeline; besides the fields, counters by name, such as ``attempts.offer``."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True, extra="allow")
    __pydantic_extra__: dict[str, Count]

    second: Count
    """Seconds from the plan's start to the begin of this one."""
    planned: Count
    """Softphones planned to start in it."""
    call_setup: SetupTimes | None = None
    """From the planned start to the answer, of the calls planned for this second, to 1.6 %; left out if none was."""

    @property
    def counts(self) -> Mapping[str, int]:
        """The counters by name."""
        return self.__pydantic_extra__

    @model_serializer(mode="wrap")
    def _without_missing(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in handler(self).items() if value is not None}


class TlsHandshakes(RecordPart):
    """How connections were secured."""

    all: Count
    """Handshakes that were completed."""
    full: Count
    """Those with a certificate. In the others a session was resumed (RFC 8446 2.2)."""


class LedgerRow(RecordPart):
    step: str
    """The step."""
    attempts: Count
    """Attempts, as counted by the softphones."""
    admitted: Count
    """Requests that the edge admitted."""
    refused: Count
    """Requests that the edge refused."""
    cut: Count
    """Requests that the edge cut short."""
    never_arrived: Annotated[int, Strict()]
    """Attempts that did not reach the edge; below 0 if the ledger does not balance."""
    doubled: Count = 0
    """Requests that reached the edge although the same attempt had reached it before."""
    foreign: Count = 0
    """Requests at the edge that no softphone of this package made; they are not in the other numbers."""
    not_the_edges: dict[str, Count] = {}
    """Attempts that something between the softphones and the edge answered, by HTTP status; most never arrived."""


class Ledger(RecordPart):
    balanced: Flag
    """Whether everything adds up."""
    rows: tuple[LedgerRow, ...]
    """One row for each step that is a request."""
    problems: tuple[str, ...] = ()
    """What does not add up."""


class Validity(RecordPart):
    valid: Flag
    """Whether the run's measurements can be trusted."""
    reasons: tuple[str, ...]
    """Why not; empty if they can."""


class Expected(RecordPart):
    text: str
    """The expectation as the profile has it, in human units."""
    held: Flag | None
    """Whether it held; null if the run was aborted before that was decided."""
    measured: Number | None
    """The value of its metric, a duration in seconds; null if it was not measured."""


class AbortedBy(RecordPart):
    by: str
    """The expectation, as the profile has it."""
    after_s: Seconds
    """When that was certain, in seconds since the plan's start."""
