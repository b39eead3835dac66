"""Which kinds of limit explain what was observed, with bounds; and which do not, and the observation that says so.

First the client is taken to be alone. A bucket in lumps and a penalty are looked at only where no simpler kind explains
everything, or only one that resembles a penalty. Then simpler kinds get another chance: others may have used a share of
the limit (foreign traffic), which makes the bounds wider. On a limit that others may share, bounds for a client that is
alone are not certain.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from locust_softphone.limits.inference.kinds import RARE, SIMPLE, Kind, Method
from locust_softphone.limits.inference.observations import Arrival, Evidence, Observation
from locust_softphone.limits.inference.queue_fit import fit_queue
from locust_softphone.limits.inference.replay import Replay
from locust_softphone.limits.inference.search import Bounds, Conflict

__all__ = ["Diagnosis", "Hypothesis", "RuledOut", "diagnose"]

FOREIGN_SHARES = (0.02, 0.05, 0.1, 0.2)
"""Shares of the limit that others may have used, tried in this order."""

LIKE_A_PENALTY = {Kind.MEASURED_RATE}
"""Where nothing but this explains the observations, a penalty may as well."""


@dataclass(frozen=True)
class Hypothesis:
    """A kind of limit that explains the observations.

    Args:
        kind: of the limit.
        bounds: of its parameters, by name.
        foreign_share: the share of the limit that others are taken to have used.
    """

    kind: Kind
    bounds: Mapping[str, Bounds]
    foreign_share: float = 0.0


@dataclass(frozen=True)
class RuledOut:
    """A kind of limit that does not explain the observations.

    Args:
        kind: of the limit.
        least: the admissions within ``crowd`` say that the quota is at least this.
        most: the refusal says that it is at most this.
        crowd: when the first and the last of these admissions came.
        refusal: the request that was refused, if one alone says so.
        different: how many decisions differ in a replay at least, where each decision alone could be explained.
    """

    kind: Kind
    least: float = 0.0
    most: float = 0.0
    crowd: tuple[float, float] = (0.0, 0.0)
    refusal: Arrival | None = None
    different: int = 0


@dataclass(frozen=True)
class Diagnosis:
    """What the observations of one limit say about it.

    Args:
        hypotheses: all that explain them, the simplest first.
        ruled_out: the others that were looked at.
        requests: how many were observed.
        refused: how many of them were refused.
    """

    hypotheses: tuple[Hypothesis, ...] = ()
    ruled_out: tuple[RuledOut, ...] = ()
    requests: int = 0
    refused: int = 0

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds that explain the observations."""
        return tuple(dict.fromkeys(hypothesis.kind for hypothesis in self.hypotheses))

    @property
    def experiment(self) -> str:
        """What would tell the remaining kinds apart; empty where one is left, or none."""
        kinds = set(self.kinds)
        if len(kinds) < 2:
            return ""
        if Kind.CAP in kinds:
            return "hold what was admitted, then close some: a cap admits as many more at once, a rate does not care"
        if kinds & {Kind.MEASURED_RATE, Kind.PENALTY, Kind.RENEWED_PENALTY}:
            return "fall silent after a refusal, longer each time: only a penalty or a measured rate minds being asked"
        return "send half a burst, half a window later a whole one, ask on for two windows, pause, and ask again"


def diagnose(observations: Iterable[Observation], foreign_share: float = 0.0) -> Diagnosis:
    """Say which limits explain the observations.

    Args:
        observations: requests that one limit decided about, in any order; the limit was unused before the first.
        foreign_share: the least share of the limit that others are taken to use.
    """
    every = list(observations)
    if not every:
        return Diagnosis()
    evidence = Evidence.of(every)
    told = partial(Diagnosis, requests=len(evidence.all), refused=len(evidence.every_refusal))
    if (queue := fit_queue(evidence)) is not None:
        kind = Kind.WORK_QUEUE if queue.works else Kind.LEAKY_QUEUE
        bounds = {"rate": queue.rate} | ({"capacity": queue.capacity} if queue.capacity else {})
        return told((Hypothesis(kind, bounds, foreign_share),))
    if not evidence.every_refusal:
        return told()
    return told(*_explain(evidence, (foreign_share, *(share for share in FOREIGN_SHARES if share > foreign_share))))


def _explain(evidence: Evidence, shares: Sequence[float]) -> tuple[tuple[Hypothesis, ...], tuple[RuledOut, ...]]:
    """The kinds that explain the evidence with as little foreign traffic as can be, and those that do not."""
    hypotheses: list[Hypothesis] = []
    ruled_out: dict[Kind, RuledOut] = {}

    def try_all(methods: Iterable[Method], share: float) -> None:
        for method in methods:
            found = _explain_by(method, evidence, share)
            if isinstance(found, RuledOut):
                ruled_out.setdefault(found.kind, found)
            else:
                hypotheses.extend(found)

    alone, *shared = shares
    try_all(SIMPLE, alone)
    if any(hypothesis.kind not in LIKE_A_PENALTY for hypothesis in hypotheses):
        return tuple(hypotheses), tuple(ruled_out.values())
    unexplained = not hypotheses
    try_all(RARE, alone)
    for share in shared if unexplained else ():
        try_all(SIMPLE if hypotheses else (*SIMPLE, *RARE), share)
        if hypotheses:
            break
    explaining = {hypothesis.kind for hypothesis in hypotheses}
    return tuple(hypotheses), tuple(each for each in ruled_out.values() if each.kind not in explaining)


def _explain_by(method: Method, evidence: Evidence, share: float) -> list[Hypothesis] | RuledOut:
    """The hypotheses of one kind, or why there is none."""
    fits = method.fit(evidence, share)
    if isinstance(fits, Conflict):
        return RuledOut(method.kind, *fits.quota)
    hypotheses = [Hypothesis(method.kind, dict(zip(method.parameters, bounds, strict=True)), share) for bounds in fits]
    if method.make is None:
        return hypotheses
    make = partial(method.make, evidence)
    replay = Replay(evidence, share)
    different = [replay.least_different(bounds, make) for bounds in fits]
    surviving = [hypothesis for hypothesis, number in zip(hypotheses, different, strict=True) if not number]
    return surviving or RuledOut(method.kind, different=min(different))
