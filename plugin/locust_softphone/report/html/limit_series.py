"""The picture of a diagnosis: what each step was admitted over time, and what the fitted limit would have admitted.

Both are running totals over the observed attempts. The limit is the most likely one that can be replayed, with the
parameters that fit best. A cap of open sessions is drawn as it is: the number that were open, and the cap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

from locust_softphone.limits.inference.best_fit import replayed
from locust_softphone.limits.inference.kinds import Kind
from locust_softphone.limits.inference.observations import Observation
from locust_softphone.metrics.observed_attempts import Observations
from locust_softphone.report.limit_sizes import is_narrow
from locust_softphone.report.limit_texts import limits_by_step
from locust_softphone.runs.limit_parts import Explanation, StepLimit
from locust_softphone.runs.record import RunRecord
from locust_softphone.runs.step_evidence import evidence_of

__all__ = ["limit_series"]

MOST_POINTS = 400
MOST_REPLAYED = 20_000


def limit_series(record: RunRecord) -> dict[str, dict[str, Any]]:
    """For each step with a limit that is explained: instants, what was admitted, what the limit would have admitted."""
    limits = [(limit, each) for limit in limits_by_step(record) if limit.refused and (each := _drawable(limit))]
    if not limits:
        return {}
    try:
        observed = {name: Observations.from_plain(each.model_dump()) for name, each in record.observations.items()}
    except ValueError:
        return {}  # not written by us
    found: dict[str, dict[str, Any]] = {}
    for limit, explanation in limits:
        if limit.step in observed and limit.step not in found:
            observations = evidence_of(limit.step, observed).observations(str(limit.status))
            found[limit.step] = _curves(observations[:MOST_REPLAYED], explanation)
    return found


def _drawable(limit: StepLimit) -> Explanation | None:
    """The hypothesis to draw: the only likely one, if its bounds are narrow."""
    likely = [each for each in limit.hypotheses if each.likely]
    if len({each.kind for each in likely}) != 1:
        return None
    return likely[0] if all(map(is_narrow, likely[0].bounds.values())) else None


def _curves(observations: Sequence[Observation], explanation: Explanation) -> dict[str, Any]:
    arrived = sorted(observations, key=lambda each: each.answered_s)
    curves: dict[str, list[float]]
    if explanation.kind == Kind.CAP:
        cap = _parameters(explanation)["cap"]
        curves = {"observed": [each.open for each in arrived], "fitted": [cap] * len(arrived)}
    else:
        fitted = replayed(arrived, Kind(explanation.kind), _parameters(explanation))
        curves = {
            "observed": list(accumulate(each.admitted for each in arrived)),
            "fitted": list(accumulate(fitted)),
        }
    chosen = range(0, len(arrived), max(1, len(arrived) // MOST_POINTS))
    return {
        "at_s": [round(arrived[number].answered_s, 3) for number in chosen],
        **{name: [round(curve[number], 1) for number in chosen] for name, curve in curves.items()},
    }


def _parameters(explanation: Explanation) -> Mapping[str, float]:
    middle = {name: (each.low + (each.high or each.low)) / 2 for name, each in explanation.bounds.items()}
    return {**middle, **explanation.best}
