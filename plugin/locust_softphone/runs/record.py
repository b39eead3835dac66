"""The run record, ``run.json``, as a typed and frozen model.

    RunRecord.model_validate(…)    validates it once; from then on everything uses attributes
    record.totals.answered         as the file has it
    record.metrics["answered"]     every metric of the catalogue, by name

Histograms are in HdrHistogram's own encoding, so that runs can be merged later without loss. The descriptions of the
fields are those of ``schemas/run.schema.json``, which is generated (``python -m locust_softphone.schemas.generate``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    Field,
    GetJsonSchemaHandler,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from locust_softphone.config.expectation import Expectation
from locust_softphone.config.profile import Profile
from locust_softphone.metrics.catalogue import Metric, Values, kind_of
from locust_softphone.metrics.histogram import Histogram
from locust_softphone.metrics.run_outcome import OutcomeLevel, RunOutcome, run_outcome
from locust_softphone.metrics.steps import steps_of
from locust_softphone.runs.limit_parts import Drops, StepLimit
from locust_softphone.runs.record_parts import (
    AbortedBy,
    Count,
    Durations,
    Expected,
    Fleet,
    GeneratorRecord,
    Latencies,
    Ledger,
    ObservedStep,
    Reconnects,
    RecordPart,
    Retries,
    Second,
    Seconds,
    Simulation,
    Step,
    Target,
    Times,
    TlsHandshakes,
    Totals,
    Validity,
    Verdict,
)

__all__ = ["SCHEMA_VERSION", "RunRecord"]

SCHEMA_VERSION = 3


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
    dialect: str
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


class RunRecord(RecordPart):
    """One run: what was planned, what was measured, and whether that was as expected."""

    schema_version: Annotated[Literal[3], Field(json_schema_extra={"type": "integer"})] = 3
    """Version of this schema."""
    run_id: str
    """Name of the run's folder: its start as YYYYMMDDTHHMMSS.ffffffZ, and the profile's name."""
    profile: Annotated[dict[str, Any], AfterValidator(_checked_profile), _SchemaOfProfile]
    """The profile as resolved: every field explicit, durations and rates in human units such as 250ms and 50/s."""
    overridden: dict[str, Any] = Field(default_factory=dict)
    """What the form of the web UI changed in the profile: the values of the profile's file, by key."""
    target: Target
    """The edge that was tested."""
    versions: dict[str, str]
    """Versions of everything that could explain a difference, by package; also python and platform."""
    workers: Count
    """How many worker processes there were; 0 for a run in one process."""
    source_addresses: Count = 0
    """How many addresses the softphones connected from, as told to this process; 0 if the system chose."""
    simulation: Simulation | None = None
    """How the run was simulated in virtual time; null for a real run."""
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
    own_cuts: Count = 0
    """WebSockets that softphones closed, because the login was refused or the edge was not ready in time."""
    dropped_in_stall: Count = 0
    """WebSockets that ended while the generator stood still for 1 s or more: its silence may be the reason."""
    cut_off: Count = 0
    """WebSockets that were dropped without a close handshake, because the plan's end was too long ago."""
    retries: Retries
    """What happened after refusals and drops."""
    resets: dict[str, Count] = Field(default={})
    """Answers that said that nothing is left of a limit, by how the header with its reset was read."""
    reconnects: Reconnects
    """Calls that dropped while they were held."""
    tls_handshakes: TlsHandshakes = TlsHandshakes(all=0, full=0)
    """The TLS handshakes of all softphones."""
    connections_reopened: Count = 0
    """Kept HTTP connections that the edge had closed when they were to be used again (RFC 9112 9.5)."""
    pings_answered: Count
    """Pings (RFC 6455 5.5.2) that were answered."""
    inbound_calls_answered: Count = 0
    """Calls that the edge proposed, and that were answered; only in the dialects genesys-cloud and sip."""
    time_to_connected_s: Seconds | None
    """Seconds from the plan's start until all softphones were connected; null if not all were."""
    start_lag_s: Durations
    """How late each softphone started, after its planned start."""
    generator: GeneratorRecord
    """Whether the load generator kept up: over all its processes."""
    fleet: Fleet | None = None
    """The workers; null for a run in one process."""
    observations: dict[str, ObservedStep] = Field(default={})
    """What was attempted, one by one, by step; and ``session``: when each WebSocket opened, and how it ended."""
    limits: tuple[StepLimit, ...] | None = None
    """The limits that the run met, and which kinds explain them; null in a record without observations."""
    drops: Drops | None = None
    """The sessions that the edge ended, and what they have in common; null if it ended none."""
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
    def outcome(self) -> RunOutcome:
        """How many softphones were answered, and why the others were not."""
        return run_outcome(self.metrics.get, self.dialect, {name: step.statuses for name, step in self.steps.items()})

    @property
    def reproduced(self) -> bool:
        """Whether it passed and showed the failure that its profile reproduces: not every softphone was answered."""
        shows_failure = self.profile.get("reproduces", False) and self.verdict == "passed"
        return shows_failure and self.outcome.level is not OutcomeLevel.ALL

    @cached_property
    def call_setup_times(self) -> Histogram:
        """The call set-up times, from the planned start.

        Raises:
            ValueError: the record's histogram cannot be decoded.
        """
        return Histogram.decode(self.histograms.get("call_setup", ""))

    @model_validator(mode="after")
    def _checked(self) -> Self:
        if missing := [step.name for step in steps_of(self.dialect) if step.name not in self.steps]:
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
