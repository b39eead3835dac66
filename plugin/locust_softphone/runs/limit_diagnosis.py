"""Which limits explain a run's refusals and waits: for each step, the hypotheses and what rules out the others.

    observations of a step ──► one limit for each refusing status ──► inference ──► StepLimit, for the record

Only attempts that are known completely count (``Observations.exact``). Traffic of other clients is allowed for: on an
edge that is not this package's simulated one, as ``ASSUMED_SHARE`` of the limit at least; and as the share of attempts
whose decision is not known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from math import inf
from typing import Any

from locust_softphone.limits.inference.best_fit import BestFit, best_fit
from locust_softphone.limits.inference.diagnosis import Diagnosis, Hypothesis, RuledOut, diagnose
from locust_softphone.limits.inference.kinds import Kind
from locust_softphone.limits.inference.observations import Observation
from locust_softphone.limits.inference.queue_fit import may_queue
from locust_softphone.metrics.observed_attempts import SESSIONS, Observations
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.runs.step_evidence import StepEvidence, evidence_of, noise_s, refusing_answers, usual_s

__all__ = ["ASSUMED_SHARE", "limits_of"]

ASSUMED_SHARE = 0.02
"""The share of a limit that other clients are assumed to use on an edge that others may use too."""

FEWEST_REFUSALS = 5
"""Fewer refusals than these do not show which limit it was."""

CLOSE = 1.05
"""Bounds are close if the greatest possible value is at most this many times the least."""

MOST_FITTED = 4
"""Of more hypotheses than these, none is fitted more closely."""

BEFORE_SESSIONS = ("token", "identity", "channel")
"""Steps that open no session, so that no cap of open sessions limits them."""

PROCESSOR_RATE = 1_000.0
"""A queue that serves more requests per second, and refuses none, is a busy processor: a generator's or the edge's."""

QUICK_S = 0.01
"""An answer within this time was not worked on."""

UNLIKELY = 0.1
"""A hypothesis is unlikely if it decides this share of the rarer decisions differently, and another one far fewer."""


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
        share = _share(evidence, alone=alone)
        for status in evidence.refusals or [""]:
            diagnoses = list(_diagnoses(evidence, status, share, undelayed_s))
            if status or _is_slow_queue(diagnoses[0][1]):
                until_s = observations.exact_until_s
                found.append(_plain(evidence, status, diagnoses, None if until_s == inf else until_s))
    return found


def _share(evidence: StepEvidence, *, alone: bool) -> float:
    """The least share of the limit that others are assumed to have used."""
    unclear = evidence.unclear / max(len(evidence.attempts), 1)
    return min(0.5, unclear + (0.0 if alone else ASSUMED_SHARE))


def _diagnoses(
    evidence: StepEvidence, status: str, share: float, undelayed_s: float
) -> Iterator[tuple[list[Observation], Diagnosis]]:
    """The diagnosis of the limit that refuses with this status: as if the step's other limits came first, and last."""
    others = [other for other in evidence.refusals if other != status]
    for passed_by in ([], others) if others else ([],):
        observations = evidence.observations(status, passed_by=passed_by)
        refused = sum(not each.admitted for each in observations)
        if status and refused < FEWEST_REFUSALS:
            yield observations, Diagnosis(requests=len(observations), refused=refused)
        else:
            opens = evidence.step not in BEFORE_SESSIONS
            found = diagnose(observations, share, undelayed_s, opens_sessions=opens)
            yield observations, _or_queue(observations, _both_queues(observations, found))


def _or_queue(observations: Sequence[Observation], diagnosis: Diagnosis) -> Diagnosis:
    """The diagnosis, and a queue if answers took much longer than refusals; its size is not always known."""
    admitted_s, refused_s = (
        sorted(each.answered_s - each.sent_s for each in observations if each.admitted is admitted)
        for admitted in (True, False)
    )
    if not admitted_s or not refused_s:
        return diagnosis
    quick_s = 3 * max(refused_s[len(refused_s) // 2], QUICK_S)
    takes_time = admitted_s[0] > 5 * max(refused_s[0], QUICK_S)
    if _is_queue(diagnosis) or not (takes_time or admitted_s[len(admitted_s) // 2] > quick_s):
        return diagnosis
    queue = _both_queues(observations, diagnose(observations, undelayed_s=quick_s))
    queues = queue.hypotheses if _is_queue(queue) else (Hypothesis(Kind.WORK_QUEUE, {}),)
    return replace(diagnosis, hypotheses=(*diagnosis.hypotheses, *queues))


def _is_queue(diagnosis: Diagnosis) -> bool:
    return any(each.kind in (Kind.LEAKY_QUEUE, Kind.WORK_QUEUE) for each in diagnosis.hypotheses)


def _is_slow_queue(diagnosis: Diagnosis) -> bool:
    """Whether it is a queue that does not serve as fast as a busy processor."""
    return any(each.bounds["rate"].low < PROCESSOR_RATE for each in diagnosis.hypotheses)


def _both_queues(observations: Sequence[Observation], diagnosis: Diagnosis) -> Diagnosis:
    """The diagnosis with both kinds of queue, unless the quickest answers tell which it was.

    A leaky bucket does not delay the first request: it is answered as quickly as a refusal. Work takes its time.
    """
    if not _is_queue(diagnosis):
        return diagnosis
    queue = diagnosis.hypotheses[0]
    quickest_s = min(each.answered_s - each.sent_s for each in observations if each.admitted)
    refused_s = sorted(each.answered_s - each.sent_s for each in observations if not each.admitted)
    if quickest_s <= QUICK_S or (refused_s and quickest_s <= 2 * refused_s[0]):
        kinds = {Kind.LEAKY_QUEUE}
    elif refused_s and quickest_s > 3 * refused_s[len(refused_s) * 9 // 10]:
        kinds = {Kind.WORK_QUEUE}
    else:
        kinds = {Kind.LEAKY_QUEUE, Kind.WORK_QUEUE}
    return replace(diagnosis, hypotheses=tuple(replace(queue, kind=kind) for kind in sorted(kinds)))


def _plain(
    evidence: StepEvidence,
    status: str,
    diagnoses: Sequence[tuple[list[Observation], Diagnosis]],
    until_s: float | None,
) -> dict[str, Any]:
    told = evidence.told(status)
    _, diagnosis = next((each for each in diagnoses if each[1].hypotheses), diagnoses[0])
    explained = [(observations, each) for observations, found in diagnoses for each in found.hypotheses]
    kinds = {each.kind for _, each in explained}
    return {
        "step": evidence.step,
        "status": int(status) if status else None,
        "requests": diagnosis.requests,
        "refused": diagnosis.refused,
        "unclear": evidence.unclear,
        "until_s": until_s,
        "hypotheses": _hypotheses(explained),
        "ruled_out": [_ruled_out(each) for each in diagnosis.ruled_out if each.kind not in kinds],
        "experiment": diagnosis.experiment,
        "told": told and asdict(told),
    }


def _hypotheses(explained: Sequence[tuple[list[Observation], Hypothesis]]) -> list[dict[str, Any]]:
    """The hypotheses with their best fits, the most likely first."""
    close = len(explained) == 1 and all(each.high <= CLOSE * each.low for each in explained[0][1].bounds.values())
    fitted = len(explained) <= MOST_FITTED and not close
    fits = [best_fit(*each) if fitted else None for each in explained]
    different = [_different(hypothesis, fit) for (_, hypothesis), fit in zip(explained, fits, strict=True)]
    least = min((each for each in different if each is not None), default=0)
    found = [
        {
            "kind": hypothesis.kind.value,
            "bounds": {name: {"low": each.low, "high": _finite(each.high)} for name, each in hypothesis.bounds.items()},
            "foreign_share": hypothesis.foreign_share,
            "best": dict(fit.parameters) if fit else {},
            "different": fit.different if fit else None,
            "likely": not (fit and fit.different > max(UNLIKELY * fit.rarer, 5 * least + 5)),
        }
        for (_, hypothesis), fit in zip(explained, fits, strict=True)
    ]
    return sorted(found, key=lambda each: not each["likely"])


def _different(hypothesis: Hypothesis, fit: BestFit | None) -> int | None:
    """How many decisions differ at best; none for a cap, whose fit checks each decision against what was open."""
    if hypothesis.kind is Kind.CAP:
        return 0
    return fit.different if fit else None


def _ruled_out(ruled_out: RuledOut) -> dict[str, Any]:
    refusal = ruled_out.refusal
    begin_s, end_s = ruled_out.admitted_within
    return {
        "kind": ruled_out.kind.value,
        "least": _finite(ruled_out.least),
        "most": _finite(ruled_out.most),
        "admitted_from_s": _finite(begin_s),
        "admitted_until_s": _finite(end_s),
        "refused_s": None if refusal is None else refusal.earliest_s,
        "different": ruled_out.different,
    }


def _finite(value: float) -> float | None:
    return None if value in (inf, -inf) else float(value)
