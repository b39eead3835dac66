"""One limit of a run as the record has it: the kinds that explain its decisions, with bounds and best fits.

a diagnosis for each order of the step's limits ──► bounds that hold in all of them, best fits, kinds ruled out
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from math import inf
from typing import Any, NamedTuple

from locust_softphone.limits.inference.best_fit import BestFit, best_fit
from locust_softphone.limits.inference.diagnosis import Diagnosis, Hypothesis, RuledOut
from locust_softphone.limits.inference.kinds import Kind
from locust_softphone.limits.inference.observations import Observation
from locust_softphone.limits.inference.search import Bounds
from locust_softphone.runs.step_evidence import StepEvidence

__all__ = ["Order", "step_limit"]

CLOSE = 1.05
"""Bounds are close if the greatest possible value is at most this many times the least."""

MOST_FITTED = 4
"""Of more hypotheses than these, none is fitted more closely."""

UNLIKELY = 0.1
"""A hypothesis is unlikely if it decides this share of the rarer decisions differently, and another one far fewer."""

_Explained = list[tuple[list[Observation], Hypothesis]]
"""One hypothesis, with the observations of each order of the step's limits in which it holds."""


class Order(NamedTuple):
    """The diagnosis for one order of a step's limits and of its other reasons to refuse.

    Args:
        observations: the requests that came to the limit in question.
        diagnosis: what explains them.
        unclear: attempts that may have come to it, and are not among them.
    """

    observations: list[Observation]
    diagnosis: Diagnosis
    unclear: int


def step_limit(evidence: StepEvidence, status: str, orders: Sequence[Order], until_s: float | None) -> dict[str, Any]:
    """The limit of a step that refuses with this status.

    Args:
        evidence: of the step.
        status: of the refusals; empty for a limit that refuses none.
        orders: at least one.
        until_s: later attempts were not used; None if all were.
    """
    told = evidence.retry_after_effect(status)
    chosen = next((each for each in orders if each.diagnosis.hypotheses), orders[0])
    kinds = {each.kind for order in orders for each in order.diagnosis.hypotheses}
    return {
        "step": evidence.step,
        "status": int(status) if status else None,
        "requests": chosen.diagnosis.requests,
        "refused": chosen.diagnosis.refused,
        "unclear": chosen.unclear,
        "until_s": until_s,
        "hypotheses": _hypotheses(_explained(orders)),
        "ruled_out": [_ruled_out(each) for each in chosen.diagnosis.ruled_out if each.kind not in kinds],
        "experiment": chosen.diagnosis.experiment,
        "told": told and asdict(told),
    }


def _explained(orders: Sequence[Order]) -> list[_Explained]:
    """The hypotheses of all orders. One that holds in several orders has bounds that contain those of each."""
    found: list[_Explained] = []
    for order in orders:
        own = [(order.observations, each) for each in order.diagnosis.hypotheses]
        for kind in order.diagnosis.kinds:
            same, new = (
                [each for each in some if each[0][1].kind is kind] for some in (found, [[each] for each in own])
            )
            if len(same) == len(new) == 1 and same[0][0][1].bounds.keys() == new[0][0][1].bounds.keys():
                same[0] += new[0]
            else:
                found += new
    return found


def _bounds(explained: _Explained) -> dict[str, Bounds]:
    """Bounds that contain those of each order."""
    every = [hypothesis.bounds for _, hypothesis in explained]
    return {name: Bounds.around([each[name] for each in every]) for name in every[0]}


def _hypotheses(explained: Sequence[_Explained]) -> list[dict[str, Any]]:
    """The hypotheses with their best fits, the most likely first."""
    close = len(explained) == 1 and all(each.high <= CLOSE * each.low for each in _bounds(explained[0]).values())
    fitted = len(explained) <= MOST_FITTED and not close
    fits = [_best_fit(each) if fitted else None for each in explained]
    different = [_different(each[0][1], fit) for each, fit in zip(explained, fits, strict=True)]
    least = min((each for each in different if each is not None), default=0)
    found = [
        {
            "kind": each[0][1].kind.value,
            "bounds": {name: {"low": both.low, "high": _finite(both.high)} for name, both in _bounds(each).items()},
            "foreign_share": max(hypothesis.foreign_share for _, hypothesis in each),
            "best": dict(fit.parameters) if fit else {},
            "different": fit.different if fit else None,
            "likely": not (fit and fit.different > max(UNLIKELY * fit.rarer, 5 * least + 5)),
        }
        for each, fit in zip(explained, fits, strict=True)
    ]
    return sorted(found, key=lambda each: not each["likely"])


def _best_fit(explained: _Explained) -> BestFit | None:
    """The best fit of a hypothesis in the order in which it explains most."""
    fits = [fit for each in explained if (fit := best_fit(*each)) is not None]
    return min(fits, key=lambda each: each.different, default=None)


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
