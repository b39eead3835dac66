"""Which limits explain a run's refusals and waits: for each step, the hypotheses and what rules out the others.

    observations of a step ──► one limit for each refusing status ──► inference ──► StepLimit, for the record

Only attempts that are known completely count (``Observations.exact``). Traffic of other clients is allowed for: on an
edge that is not this package's simulated one, as ``ASSUMED_SHARE`` of the limit at least; and as the share of attempts
that had no answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import inf
from typing import Any

from locust_softphone.limits.inference.diagnosis import Diagnosis, Hypothesis, diagnose, diagnose_queue
from locust_softphone.limits.inference.kinds import Kind
from locust_softphone.limits.inference.observations import Observation
from locust_softphone.limits.inference.queue_fit import may_queue
from locust_softphone.metrics.observed_attempts import SESSIONS, Observations
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.runs.limit_entries import Order, step_limit
from locust_softphone.runs.step_evidence import StepEvidence, evidence_of, noise_s, refusing_answers, usual_s

__all__ = ["ASSUMED_SHARE", "limits_of"]

ASSUMED_SHARE = 0.02
"""The share of a limit that other clients are assumed to use on an edge that others may use too."""

FEWEST_REFUSALS = 5
"""Fewer refusals than these do not show which limit it was."""

BEFORE_SESSIONS = ("token", "identity", "channel")
"""Steps that open no session, so that no cap of open sessions limits them."""

PROCESSOR_RATE = 1_000.0
"""A queue that serves more requests per second, and refuses none, is a busy processor: a generator's or the edge's."""

QUICK_S = 0.01
"""An answer within this time was not worked on."""

MOST_SHARE = 0.5
"""The greatest share of a limit that others are assumed to have used."""


def limits_of(observed: Mapping[str, Observations], *, late_s: float, alone: bool) -> list[dict[str, Any]]:
    """The diagnosis of each step that met refusals by a limit, or that waited in a queue; as the record has it.

    Args:
        observed: the attempts of each step, and the sessions.
        late_s: by how much the generator was late: at most a delay like that shows no queue.
        alone: whether no other client uses the edge.
    """
    found, usual = [], usual_s(observed)
    for step in sorted(observed):
        observations = observed[step]
        if step == SESSIONS or not len(observations):
            continue
        undelayed_s = noise_s(step, observations, usual, late_s)
        if not refusing_answers(observations) and not may_queue(observations.durations_s([Outcome.OK]), undelayed_s):
            continue  # most steps of most runs; it is cheap to see
        evidence = evidence_of(step, observed)
        for status in evidence.refusals or [""]:
            diagnoses = list(_diagnoses(evidence, status, 0.0 if alone else ASSUMED_SHARE, undelayed_s))
            if status or _is_slow_queue(diagnoses[0].diagnosis):
                until_s = observations.exact_until_s
                found.append(step_limit(evidence, status, diagnoses, None if until_s == inf else until_s))
    return found


def _diagnoses(evidence: StepEvidence, status: str, others_share: float, undelayed_s: float) -> Iterator[Order]:
    """The diagnosis of the limit that refuses with this status, as if it came last in the step, first, and in between.

    Args:
        evidence: of the step.
        status: of the refusals; empty for a limit that refuses none.
        others_share: the share of the limit that other clients use.
        undelayed_s: as for ``diagnose``.
    """
    limits = [other for other in evidence.refusals if other != status]
    otherwise = evidence.refused_otherwise
    unknown = evidence.unclear - otherwise.total()
    share = min(MOST_SHARE, unknown / max(len(evidence.attempts), 1) + others_share)
    orders = dict.fromkeys(((), tuple(limits), tuple(otherwise), (*limits, *otherwise)))
    for passed_by in orders:
        observations = evidence.observations(status, passed_by=passed_by)
        unclear = unknown + sum(times for each, times in otherwise.items() if each not in passed_by)
        refused = sum(not each.admitted for each in observations)
        if status and refused < FEWEST_REFUSALS:
            yield Order(observations, Diagnosis(requests=len(observations), refused=refused), unclear)
        else:
            opens = evidence.step not in BEFORE_SESSIONS
            found = diagnose(observations, share, undelayed_s, opens_sessions=opens)
            yield Order(observations, _or_queue(observations, _both_queues(observations, found)), unclear)


def _or_queue(observations: Sequence[Observation], diagnosis: Diagnosis) -> Diagnosis:
    """The diagnosis, and a queue if answers took much longer than refusals; its size is not always known."""
    admitted_s, refused_s = (
        sorted(each.took_s for each in observations if each.admitted is admitted) for admitted in (True, False)
    )
    if not admitted_s or not refused_s:
        return diagnosis
    quick_s = 3 * max(refused_s[len(refused_s) // 2], QUICK_S)
    takes_time = admitted_s[0] > 5 * max(refused_s[0], QUICK_S)
    if _is_queue(diagnosis) or not (takes_time or admitted_s[len(admitted_s) // 2] > quick_s):
        return diagnosis
    queue = diagnose_queue(observations, quick_s)
    queues = _kinds_of_queue(observations, queue) if queue else (Hypothesis(Kind.WORK_QUEUE, {}),)
    return replace(diagnosis, hypotheses=(*diagnosis.hypotheses, *queues))


def _is_queue(diagnosis: Diagnosis) -> bool:
    return any(each.kind in (Kind.LEAKY_QUEUE, Kind.WORK_QUEUE) for each in diagnosis.hypotheses)


def _is_slow_queue(diagnosis: Diagnosis) -> bool:
    """Whether it is a queue that does not serve as fast as a busy processor."""
    return any(each.bounds["rate"].low < PROCESSOR_RATE for each in diagnosis.hypotheses)


def _both_queues(observations: Sequence[Observation], diagnosis: Diagnosis) -> Diagnosis:
    """The diagnosis with both kinds of queue, unless the quickest answers tell which it was."""
    if not _is_queue(diagnosis):
        return diagnosis
    return replace(diagnosis, hypotheses=_kinds_of_queue(observations, diagnosis.hypotheses[0]))


def _kinds_of_queue(observations: Sequence[Observation], queue: Hypothesis) -> tuple[Hypothesis, ...]:
    """The queue as each kind that the quickest answers allow.

    A leaky bucket does not delay the first request: it is answered as quickly as a refusal. Work takes its time.
    """
    quickest_s = min(each.took_s for each in observations if each.admitted)
    refused_s = sorted(each.took_s for each in observations if not each.admitted)
    if quickest_s <= QUICK_S or (refused_s and quickest_s <= 2 * refused_s[0]):
        kinds = {Kind.LEAKY_QUEUE}
    elif refused_s and quickest_s > 3 * refused_s[len(refused_s) * 9 // 10]:
        kinds = {Kind.WORK_QUEUE}
    else:
        kinds = {Kind.LEAKY_QUEUE, Kind.WORK_QUEUE}
    return tuple(replace(queue, kind=kind) for kind in sorted(kinds))
