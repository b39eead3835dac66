"""Finds the kinds of limit that explain the observations, with bounds, and why the other kinds do not.

    1. The simple kinds are tried, as if no other client used the limit.
    2. If none explains the observations, or only one that resembles a penalty, lumps and penalties are tried.
    3. If still none does, all kinds are tried again with growing shares of foreign traffic: requests of other clients
       that used up part of the limit. This makes the bounds wider.

If other clients may use the limit, the bounds of the first two steps are not certain.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from locust_softphone.limits.inference.kinds import RARE, SIMPLE, Kind, Method
from locust_softphone.limits.inference.observations import Arrival, Evidence, Observation
from locust_softphone.limits.inference.queue_fit import fit_queue
from locust_softphone.limits.inference.replay import Replay
from locust_softphone.limits.inference.search import Bounds, Conflict

__all__ = ["Diagnosis", "Hypothesis", "RuledOut", "diagnose", "diagnose_queue", "rivals"]

FOREIGN_SHARES = (0.02, 0.05, 0.1, 0.2)
"""Shares of the limit that other clients may have used, tried in this order."""

LIKE_A_PENALTY = {Kind.MEASURED_RATE}
"""If only this kind explains the observations, a penalty may explain them too."""


@dataclass(frozen=True)
class Hypothesis:
    """A kind of limit that explains the observations.

    Args:
        kind: the kind of limit.
        bounds: the bounds of its parameters, by name.
        foreign_share: the share of the limit that other clients are assumed to have used.
        likely: the parameters within the bounds that explain the observations best.
    """

    kind: Kind
    bounds: Mapping[str, Bounds]
    foreign_share: float = 0.0
    likely: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class RuledOut:
    """A kind of limit that does not explain the observations.

    Args:
        kind: the kind of limit.
        least: the admissions in ``admitted_within`` show that the quota is at least this.
        most: ``refusal`` shows that the quota is at most this.
        admitted_within: the instants of the first and the last of these admissions.
        refusal: the refused request, if a single one shows it.
        different: if each decision alone could be explained: how many decisions a replay gets wrong, at least.
    """

    kind: Kind
    least: float = 0.0
    most: float = 0.0
    admitted_within: tuple[float, float] = (0.0, 0.0)
    refusal: Arrival | None = None
    different: int = 0


@dataclass(frozen=True)
class Diagnosis:
    """What the observations show about one limit.

    Args:
        hypotheses: all that explain the observations, the simplest first.
        ruled_out: the other kinds that were tried.
        requests: the number of observed requests.
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
        """The experiment that would separate the remaining kinds; empty if there is at most one."""
        kinds = set(self.kinds)
        if len(kinds) < 2:
            return ""
        if Kind.CAP in kinds:
            return "keep all sessions open, then close some: a cap admits that many more at once, a rate limit does not"
        if kinds & {Kind.MEASURED_RATE, Kind.PENALTY, Kind.RENEWED_PENALTY}:
            return "pause after a refusal, longer each time: only a penalty or a measured rate counts refused requests"
        return "send half a burst, half a window later a whole one, keep asking for two windows, pause, and ask again"


def diagnose(
    observations: Iterable[Observation],
    foreign_share: float = 0.0,
    undelayed_s: float = 0.0,
    *,
    opens_sessions: bool = True,
) -> Diagnosis:
    """Find the limits that explain the observations.

    Args:
        observations: requests that one limit decided about, in any order; the limit must be unused before the first.
        foreign_share: the smallest share of the limit that other clients are assumed to use.
        opens_sessions: whether an admitted request opens a session; without sessions there is no cap on them.
        undelayed_s: an answer that takes this long at most is not delayed by the limit: the client, the network or the
            server as a whole was busy.
    """
    every = list(observations)
    if not every:
        return Diagnosis()
    evidence = Evidence.of(every)
    result = partial(Diagnosis, requests=len(evidence.all), refused=len(evidence.every_refusal))
    if (queue := _queue(evidence, foreign_share, undelayed_s)) is not None:
        return result((queue,))
    if not evidence.every_refusal:
        return result()
    simple = SIMPLE if opens_sessions else [method for method in SIMPLE if method.kind is not Kind.CAP]
    shares = (foreign_share, *(share for share in FOREIGN_SHARES if share > foreign_share))
    return result(*_explain(evidence, shares, simple))


def diagnose_queue(observations: Iterable[Observation], undelayed_s: float) -> Hypothesis | None:
    """The queue that ``diagnose`` would find, or None where it would find another limit or none."""
    return _queue(Evidence.of(observations), 0.0, undelayed_s)


def _queue(evidence: Evidence, foreign_share: float, undelayed_s: float) -> Hypothesis | None:
    queue = fit_queue(evidence, undelayed_s)
    if queue is None:
        return None
    kind = Kind.WORK_QUEUE if queue.works else Kind.LEAKY_QUEUE
    bounds = {"rate": queue.rate} | ({"capacity": queue.capacity} if queue.capacity else {})
    likely = {name: (each.low + each.high) / 2 for name, each in bounds.items()}
    return Hypothesis(kind, bounds, foreign_share, likely)


def rivals(observations: Iterable[Observation], foreign_share: float = 0.0) -> list[Hypothesis]:
    """The rare kinds that explain the observations too, where a simple kind is the usual explanation."""
    evidence = Evidence.of(observations)
    found = [_explain_by(method, evidence, foreign_share) for method in RARE]
    return [hypothesis for each in found if isinstance(each, list) for hypothesis in each]


def _explain(
    evidence: Evidence, shares: Sequence[float], simple: Sequence[Method]
) -> tuple[tuple[Hypothesis, ...], tuple[RuledOut, ...]]:
    """The kinds that explain the evidence with the least foreign traffic, and those that do not explain it."""
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
    try_all(simple, alone)
    if any(hypothesis.kind not in LIKE_A_PENALTY for hypothesis in hypotheses):
        return tuple(hypotheses), tuple(ruled_out.values())
    unexplained = not hypotheses
    try_all(RARE, alone)
    for share in shared if unexplained else ():
        try_all(simple if hypotheses else (*simple, *RARE), share)
        if hypotheses:
            break
    explaining = {hypothesis.kind for hypothesis in hypotheses}
    return tuple(hypotheses), tuple(each for each in ruled_out.values() if each.kind not in explaining)


def _explain_by(method: Method, evidence: Evidence, share: float) -> list[Hypothesis] | RuledOut:
    """The hypotheses of one kind, the one that decides most as observed first; or why there are none."""
    fits = method.fit(evidence, share)
    if isinstance(fits, Conflict):
        return RuledOut(method.kind, *fits.quota)
    make = None if method.make is None else partial(method.make, evidence)
    replay = Replay(evidence, share)
    surviving: list[tuple[int, Hypothesis]] = []
    fewest = 0
    for region in fits:
        different, likely = (0, region.points[0]) if make is None else replay.closest(region, make)
        bounds = dict(zip(method.parameters, region, strict=True))
        if replay.tolerates(different):
            likely_by_name = dict(zip(method.parameters, likely, strict=True))
            surviving.append((different, Hypothesis(method.kind, bounds, share, likely_by_name)))
        fewest = min(fewest, different) if fewest else different
    if not surviving:
        return RuledOut(method.kind, different=fewest)
    return [hypothesis for _, hypothesis in sorted(surviving, key=lambda each: each[0])]
