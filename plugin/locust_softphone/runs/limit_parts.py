"""The parts of a run record about limits. The text below a field is its description in the JSON Schema."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import FiniteFloat, Strict

from locust_softphone.runs.record_parts import Count, Flag, RecordPart, Seconds

__all__ = ["Advised", "Between", "DropExplanation", "Drops", "Excluded", "Explanation", "StepLimit"]

Instant = Annotated[FiniteFloat, Strict()]
Amount = Annotated[FiniteFloat, Strict()]


class Between(RecordPart):
    low: Amount
    """The lower bound, in requests, requests per second or seconds."""
    high: Amount | None
    """The upper bound, in the same unit; in seconds for a window. Null if there is none."""


class Explanation(RecordPart):
    kind: str
    """The kind of limit."""
    bounds: dict[str, Between]
    """The bounds of its parameters by name: rates per second, windows in seconds, other sizes in requests."""
    foreign_share: Amount
    """The share of the limit that other clients are assumed to have used."""
    best: dict[str, Amount]
    """The parameters that explain the decisions best, in the units of the bounds (windows in seconds); or empty."""
    different: Count | None
    """How many requests a limit with these parameters decides differently; null if they were not fitted."""
    likely: Flag
    """Whether no other kind explains the decisions far better."""


class Excluded(RecordPart):
    kind: str
    """The kind of limit."""
    least: Amount | None
    """Its size is at least this, not in seconds: shown by what was admitted until ``admitted_until_s``."""
    most: Amount | None
    """Its size is at most this, not in seconds: shown by the request that was refused at ``refused_s``."""
    admitted_from_s: Instant | None
    """When the first of these admissions was sent, in seconds since the plan's start."""
    admitted_until_s: Instant | None
    """When the last of these admissions had arrived."""
    refused_s: Instant | None
    """When this request was sent."""
    different: Count
    """If no single request rules it out: how many requests such a limit would decide differently, at least."""


class Advised(RecordPart):
    refusals: Count
    """Refusals with a ``Retry-After``."""
    least_s: Seconds
    """The shortest, in seconds."""
    most_s: Seconds
    """The longest, in seconds."""
    heeded: Count
    """Softphones that came back when told, or later."""
    heeded_refused: Count
    """How many of those were refused again."""
    early: Count
    """Softphones that came back earlier than told."""
    early_admitted: Count
    """How many of those were admitted."""


class StepLimit(RecordPart):
    """One limit of one step, as far as the attempts of the run show it."""

    step: str
    """The step."""
    status: Count | None
    """The HTTP status of its refusals; null for a limit that only delays."""
    requests: Count
    """Requests that it admitted or refused."""
    refused: Count
    """How many of them it refused."""
    unclear: Count
    """Attempts that it may have counted, without a known decision."""
    until_s: Instant | None
    """Later attempts were not used, because not all of them were kept; null if all were used."""
    hypotheses: tuple[Explanation, ...]
    """The kinds of limit that explain all decisions; several if the run cannot tell them apart, none if none does."""
    ruled_out: tuple[Excluded, ...]
    """The kinds of limit that do not explain them, and why."""
    experiment: str
    """What would tell the hypotheses apart; empty if there is nothing to tell apart."""
    told: Advised | None
    """What the refusals advised, and what came of it; null if they advised nothing."""


class DropExplanation(RecordPart):
    """A statement that holds for nearly all drops, and for no other session where it says so."""

    kind: Literal["together", "lifetime", "evicted", "crowded", "no call"]
    """together: they ended at the same time; lifetime: after the same time; evicted: each was among the oldest when
    another one began; crowded: only those that began while many were open; no call: only those without a call."""
    bounds: Between
    """When they ended or how long they lasted, in seconds; or how many sessions were open, or had no call."""


class Drops(RecordPart):
    """The sessions that the edge ended."""

    sessions: Count
    """Sessions that were opened."""
    dropped: Count
    """How many of them the edge ended."""
    first_s: Instant
    """When the first of these ended, in seconds since the plan's start."""
    last_s: Instant
    """When the last of these ended, in seconds since the plan's start."""
    explanations: tuple[DropExplanation, ...]
    """What holds for nearly all of them; empty if nothing that is tested does."""
