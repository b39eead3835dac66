"""The run record, ``run.json``, as a typed and frozen model.

    RunRecord.model_validate(…)    validates it once; from then on everything uses attributes
    record.totals.answered         as the file has it
    record.metrics["answered"]     every metric of the catalogue, by name

Histograms are in HdrHistogram's own encoding, so that runs can be merged later without loss. The descriptions of the
fields are those of ``schemas/run.schema.json``, which is generated (``python -m locust_softphone.runs.record_schema``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    GetJsonSchemaHandler,
    SerializerFunctionWrapHandler,
    Strict,
    model_serializer,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from locust_softphone.config.expectation import Expectation
from locust_softphone.config.profile import Profile
from locust_softphone.metrics.catalogue import Metric, Values, kind_of
from locust_softphone.metrics.histogram import Histogram
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.metrics.steps import DIALECTS

__all__ = [
    "SCHEMA_VERSION",
    "AbortedBy",
    "Durations",
    "Expected",
    "Ledger",
    "LedgerRow",
    "RunRecord",
    "Second",
    "Verdict",
]

SCHEMA_VERSION = 3

Verdict = Literal["passed", "failed", "invalid"]
Count = Annotated[int, Strict(), Field(ge=0)]
Number = Annotated[int, Strict()] | Annotated[FiniteFloat, Strict()]
Seconds = Annotated[FiniteFloat, Strict(), Field(ge=0)]
Flag = Annotated[bool, Strict()]
Instant = Annotated[str, Field(json_schema_extra={"format": "date-time"})]


class _Part(BaseModel):
    model_config = ConfigDict(
        frozen=True, use_attribute_docstrings=True, json_schema_extra={"additionalProperties": False}
    )


class Durations(_Part):
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


class Latencies(_Part):
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


class _Retry(BaseModel):
    max_retries: int
    initial: str
    retry_after: str
    remaining: str


class _Calls(BaseModel):
    count: int


class _Softphone(BaseModel):
    retry: _Retry
    calls: _Calls


class _ProfileShape(BaseModel):
    """What a report reads of a profile; an older version's profile may have other limits and keys than today's."""

    name: str
    dialect: Literal["media-offer", "genesys-cloud"]
    ramp: Any
    arrivals: str
    seed: int
    softphone: _Softphone


def _checked_profile(profile: dict[str, Any]) -> dict[str, Any]:
    _ProfileShape.model_validate(profile)
    return profile


class _SchemaOfProfile:
    """Describes a profile by the schema of its own model."""

    @classmethod
    def __get_pydantic_json_schema__(cls, _: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return handler(Profile.__pydantic_core_schema__)


class Target(_Part):
    url: str
    """URL: scheme, host and port."""
    simulated: Flag
    """Whether it is this package's simulated edge, which publishes its counters."""
    policy: dict[str, Any] | None = None
    """The simulated edge's policy as resolved, in human units and without secrets; null for any other edge."""


class Times(_Part):
    planned_start: Instant
    """When the plan began: ISO 8601 in UTC, to the millisecond."""
    actual_start: Instant | None = None
    """When the first softphone started: ISO 8601 in UTC, to the millisecond; null if none did."""
    end: Instant
    """When the run ended: ISO 8601 in UTC, to the millisecond."""
    ended: Literal["plan over", "stopped", "aborted", "killed"]
    """Why it ended: its plan was over, it was stopped or aborted before, or it was killed and recovered."""


class Totals(_Part):
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
    calls_planned: Count
    """Calls of the plan: softphones times the calls of each."""
    calls_answered: Count
    """Calls that were answered."""


class SampledRetry(_Part):
    step: str
    """The step that was tried again."""
    deadline_s: Annotated[FiniteFloat, Strict()]
    """Seconds from the plan's start until its Retry-After was over."""
    retried_s: Annotated[FiniteFloat, Strict()]
    """Seconds from the plan's start until it came."""


class Retries(_Part):
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


class Reconnects(_Part):
    made: Count
    """Dropped calls that were set up again."""
    failed: Count
    """Dropped calls that were not set up again."""


class GeneratorRecord(_Part):
    loop_lag_s: Durations
    """How much later than asked for the event loop woke a greenlet that asks every 0.05 s."""
    cpu_cores: Durations
    """Share of a core that a process used in each second; 1.0 is all of one core."""
    on_time_attempts_per_s: Count
    """The most attempts in one second in which no process's event loop was late."""


class MessageDelay(_Part):
    min: Seconds
    """To the nearest worker, in seconds."""
    max: Seconds
    """To the farthest worker, in seconds."""


class Fleet(_Part):
    workers: Count
    """How many there were in all."""
    lost: Count
    """How many of them were lost during the run."""
    starts_taken_over: Count
    """How many planned starts of lost workers the others took over."""
    message_delay_s: MessageDelay | None = None
    """How long a message from the master to a worker takes, in seconds: half of the shortest round trip."""


class SetupTimes(_Part):
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


class LedgerRow(_Part):
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
    """Attempts that did not reach the edge; below 0 only if the ledger does not balance."""


class Ledger(_Part):
    balanced: Flag
    """Whether everything adds up."""
    rows: tuple[LedgerRow, ...]
    """One row for each step that is a request."""
    problems: tuple[str, ...] = ()
    """What does not add up."""


class Validity(_Part):
    valid: Flag
    """Whether the run's measurements can be trusted."""
    reasons: tuple[str, ...]
    """Why not; empty if they can."""


class Expected(_Part):
    text: str
    """The expectation as the profile has it, in human units."""
    held: Flag | None
    """Whether it held; null if the run was aborted before that was decided."""
    measured: Number | None
    """The value of its metric, a duration in seconds; null if it was not measured."""


class AbortedBy(_Part):
    by: str
    """The expectation, as the profile has it."""
    after_s: Seconds
    """When that was certain, in seconds since the plan's start."""


class RunRecord(_Part):
    """One run: what was planned, what was measured, and whether that was as expected."""

    schema_version: Annotated[Literal[3], Field(json_schema_extra={"type": "integer"})] = 3
    """Version of this schema."""
    run_id: str
    """Name of the run's folder: its start as YYYYMMDDTHHMMSS.ffffffZ, and the profile's name."""
    profile: Annotated[dict[str, Any], AfterValidator(_checked_profile), _SchemaOfProfile]
    """The profile as resolved: every field explicit, durations and rates in human units such as 250ms and 50/s."""
    target: Target
    """The edge that was tested."""
    versions: dict[str, str]
    """Versions of everything that could explain a difference, by package; also python and platform."""
    workers: Count
    """How many worker processes there were; 0 for a run in one process."""
    times: Times
    """When the run was."""
    totals: Totals
    """Softphones, and their calls."""
    steps: dict[str, Step]
    """What was tried on the wire, by step."""
    call_setup: Latencies
    """From a call's start to its answer, of the answered calls, retries included."""
    rate_limited: dict[str, Count]
    """Requests that were answered with HTTP 429, by step, and in total."""
    closes: dict[str, Count]
    """WebSockets that ended, by close code (RFC 6455 7.4); 1006 stands for an end without a close frame."""
    abnormal_closes: dict[str, Count]
    """WebSockets that ended with 1006, by cause, and in total."""
    retries: Retries
    """What happened after refusals and drops."""
    reconnects: Reconnects
    """Calls that dropped while they were held."""
    pings_answered: Count
    """Pings (RFC 6455 5.5.2) that were answered."""
    inbound_calls_answered: Count = 0
    """Calls that the edge proposed, and that were answered; only in the dialect genesys-cloud."""
    time_to_connected_s: Seconds | None
    """Seconds from the plan's start until all softphones were connected; null if not all were."""
    start_lag_s: Durations
    """How late each softphone started, after its planned start."""
    generator: GeneratorRecord
    """Whether the load generator kept up: over all its processes."""
    fleet: Fleet | None = None
    """The workers; null for a run in one process."""
    timeline: tuple[Second, ...]
    """What happened in each second, from the plan's start."""
    histograms: dict[str, str]
    """Histograms of microseconds to 3 digits, in HdrHistogram's V2 compressed encoding as base64; no empty ones."""
    edge: dict[str, Any] | None
    """By how much the edge's own counters grew in this run; null for an edge that publishes none."""
    ledger: Ledger | None
    """The softphones' counters against the edge's; null if there are none of an edge."""
    validity: Validity
    """Whether the run can be trusted."""
    expectations: tuple[Expected, ...]
    """The profile's expectations."""
    aborted: AbortedBy | None = None
    """The expectation that had failed, so that the run was ended early; null for a run that was not."""
    verdict: Verdict
    """passed: valid, and every expectation held; failed: valid, and one did not; invalid: not to be trusted."""
    exit_code: Literal[0, 1, 3]
    """The exit code of the verdict: 0 passed, 1 failed, 3 invalid."""

    @property
    def name(self) -> str:
        """The profile's name."""
        return str(self.profile["name"])

    @property
    def dialect(self) -> str:
        """The dialect that the softphones spoke."""
        return str(self.profile["dialect"])

    @cached_property
    def metrics(self) -> Mapping[str, float | None]:
        """Every metric by its name in the catalogue; None if it was not measured."""
        codes = [code for code in self.closes if kind_of(f"closes.{code}")]
        return Values(self.dialect, self._read, lambda: codes).all()

    @cached_property
    def call_setup_times(self) -> Histogram:
        """The call set-up times, from the planned start.

        Raises:
            ValueError: the record's histogram cannot be decoded.
        """
        return Histogram.decode(self.histograms.get("call_setup", ""))

    @model_validator(mode="after")
    def _checked(self) -> Self:
        if missing := [step.name for step in DIALECTS[self.dialect] if step.name not in self.steps]:
            raise ValueError(f"steps: {missing[0]} is missing")
        for each in self.expectations:
            Expectation.parse(each.text)
        len(self.call_setup_times)
        return self

    def _read(self, metric: Metric, name: str) -> float | None:
        """The value at a metric's path; a counter that is not there is 0."""
        value: Any = self
        for part in metric.path(name):
            value = value.get(part, 0) if isinstance(value, dict) else getattr(value, part)
        found: float | None = value
        return found

    def to_json(self) -> str:
        """The text of ``run.json``."""
        return json.dumps(self.model_dump(mode="json"), indent=1) + "\n"
