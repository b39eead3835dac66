"""A probe: a sequence of experiments, each chosen from what the earlier ones left open.

    1. grow      from one request per second upwards, until one is refused: the edge of the limit
    2. follow    what it lets through: slower after refusals, faster after admissions
    3. close     if little comes through and sessions are open: close some, a cap admits as many
    4. separate  while several kinds of limit explain the answers: the plan for which they differ most
    5. measure   while the bounds are wide: more of what narrows them

Between two experiments the limit rests.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median

from locust_softphone.limits.decision import Limit
from locust_softphone.limits.inference.diagnosis import Diagnosis, Hypothesis, diagnose, rivals
from locust_softphone.limits.inference.kinds import RARE, SIMPLE, Kind
from locust_softphone.limits.inference.observations import Evidence, Observation
from locust_softphone.limits.inference.search import Bounds
from locust_softphone.limits.session_cap import SessionCap
from locust_softphone.probing import paces
from locust_softphone.probing.plans import most_different, plans_for
from locust_softphone.probing.probe_budget import DEFAULT_BUDGET, Budget, Metered
from locust_softphone.probing.probe_target import ProbeTarget

__all__ = ["MOST_RATE", "MOST_SHARED", "Finding", "plan_size", "probe"]

MOST_SHARED = 0.1
"""The share of other clients with which a result is checked."""
FIRST_RATE = 1.0
MOST_RATE = 400.0  # requests per second
MOST_ROUNDS = 10
MOST_COMPARED = 12  # hypotheses
MOST_CONFIRMED = 2  # times that a doubtful kind is compared with rare ones
DOUBTFUL = {
    Kind.FIRST_WINDOW,
    Kind.ALIGNED_WINDOW,
    Kind.SLIDING_LOG,
    Kind.SLIDING_COUNTER,
    Kind.MEASURED_RATE,
}
"""Kinds that a penalty or a bucket filled in lumps resembles for a while."""
MOST_MEASURED = 3  # times that the same measurement is repeated
MOST_TIMES = 4  # a window without an upper bound is looked for up to this many times its lower bound
PRECISE = 0.03  # relative width of the bounds that is narrow enough
METHODS = {method.kind: method for method in (*SIMPLE, *RARE)}


@dataclass(frozen=True)
class Finding:
    """What a probe found out about one limit.

    Args:
        diagnosis: the kinds that explain the answers, with bounds.
        observations: all requests.
        spent: the part of the budget that ended the probe; empty if it was complete.
        seconds: how long it took.
        if_shared: other kinds that explain the answers if other clients used up to ``MOST_SHARED`` of the limit.
    """

    diagnosis: Diagnosis
    observations: tuple[Observation, ...]
    spent: str
    seconds: float
    if_shared: tuple[Kind, ...] = ()

    @property
    def best(self) -> Hypothesis | None:
        """The hypothesis that explains the answers best; None without any."""
        return self.diagnosis.hypotheses[0] if self.diagnosis.hypotheses else None


def probe(
    target: ProbeTarget,
    budget: Budget = DEFAULT_BUDGET,
    *,
    foreign_share: float = 0.0,
    say: Callable[[str], None] = lambda _: None,
) -> Finding:
    """Find out the kind and the size of one limit.

    Args:
        target: what to probe. Its limit must not have been used for a while.
        budget: what may be spent.
        foreign_share: the share of the limit that other clients are assumed to use.
        say: called with one line about each experiment.
    """
    began_s = target.now()
    run = _Run(Metered(target, budget), foreign_share, say)
    try:
        run.find_the_edge()
        if run.diagnosis.refused:
            run.refine()
    except KeyboardInterrupt:
        run.interrupted = True
        run.diagnose()
    metered = run.target
    spent = "interrupted" if run.interrupted else metered.spent
    seconds = target.now() - began_s
    return Finding(run.diagnosis, tuple(metered.observations), spent, seconds, run.kinds_if_shared())


class _Run:
    def __init__(self, target: Metered, foreign_share: float, say: Callable[[str], None]) -> None:
        self.target = target
        self.interrupted = False
        self._share = foreign_share
        self._say = say
        self._measured = self._confirmed = 0
        self._tried: set[tuple[str, int, frozenset[Kind]]] = set()
        self.diagnosis = Diagnosis()

    def find_the_edge(self) -> None:
        """Grow until a request is refused, then follow what comes through."""
        self._say("asks more and more often, until a request is refused")
        answers = self.target.send(paces.growing(FIRST_RATE, MOST_RATE, self.target.budget.most_requests))
        refused = [each for each in answers if not each.admitted]
        if not refused:
            self.diagnose()
            return
        self._say("follows what the limit lets through")
        rate = _last_rate(answers)
        followed = self.target.send(
            paces.following(
                max(rate / 2, 2.0), MOST_RATE, admissions=24, most_refused=40, longest_gap_s=min(2.0, 8 / rate + 0.5)
            )
        )
        few = sum(each.admitted for each in followed) < 3
        if not (few and self._close_some()) and not any(each.admitted for each in followed):
            self._await_reopening()
        self.diagnose()

    def refine(self) -> None:
        """Separate the kinds that are left, and narrow the bounds of the one that remains."""
        for _ in range(MOST_ROUNDS):
            if self.target.spent:
                return
            hypotheses = self.diagnosis.hypotheses
            if not hypotheses:
                self._await_reopening()
            elif len(hypotheses) > 1:
                if not self._separate(hypotheses):
                    return
            elif not self._confirm(hypotheses[0]) and not self._measure(hypotheses[0]):
                return
            self.diagnose()

    def diagnose(self) -> None:
        """Find the kinds that explain all answers so far."""
        self.diagnosis = diagnose(self.target.observations, self._share, opens_sessions=self.target.opens_sessions)

    def kinds_if_shared(self) -> tuple[Kind, ...]:
        """Kinds that are ruled out only if other clients did not use the limit."""
        known = self.diagnosis.kinds
        if not known:
            return ()
        possible = list(known)
        if self._share < MOST_SHARED:
            session = self.target.opens_sessions
            possible += diagnose(self.target.observations, MOST_SHARED, opens_sessions=session).kinds
        if Kind.ALIGNED_WINDOW in possible:
            possible.append(Kind.FIRST_WINDOW)  # a request of another client may have begun each window
        return tuple(kind for kind in dict.fromkeys(possible) if kind not in known)

    def _close_some(self) -> bool:
        """Close a few sessions, and ask for a few more than that; returns whether as many were admitted."""
        open_now = sum(each.admitted for each in self.target.observations)
        count = self.target.close(max(2, min(20, open_now // 10)))
        if not count:
            return False
        self._say(f"closes {count} sessions: a cap admits as many")
        self.target.wait(0.5)
        return sum(each.admitted for each in self.target.send(paces.steady(20.0, count + 3))) == count

    def _await_reopening(self) -> None:
        """Ask once in a while, after longer and longer silence, until a request is admitted."""
        self._say("waits for the limit to admit again")
        gap_s = 1.0
        while not self.target.spent:
            self.target.wait(gap_s)
            if any(each.admitted for each in self.target.send(paces.at([0.0]))):
                return
            gap_s *= 1.5

    def _confirm(self, only: Hypothesis) -> bool:
        """Separate the only kind that is left from rare kinds that do the same so far; returns whether it sent any."""
        if only.kind not in DOUBTFUL or self._confirmed >= MOST_CONFIRMED:
            return False
        self._confirmed += 1
        others = rivals(self.target.observations, self._share)
        return bool(others) and self._separate((only, *others))

    def _separate(self, hypotheses: Sequence[Hypothesis]) -> bool:
        """Send the plan for which the remaining kinds differ most; returns whether there is one."""
        hypotheses = hypotheses[:MOST_COMPARED]
        evidence = Evidence.of(self.target.observations)
        sizes = [plan_size(each) for each in hypotheses]
        rest_s = 1.2 * median(window_s for _, window_s in sizes)
        begin_s = self.target.now() + rest_s
        kinds = frozenset(each.kind for each in hypotheses)
        candidates = [
            plan
            for quota, window_s in dict.fromkeys(sizes)
            for plan in plans_for(quota, window_s)
            if (plan.name, len(plan.instants), kinds) not in self._tried and rest_s + plan.lasts_s < self.target.left_s
        ]
        models = [partial(_model, each, evidence) for each in hypotheses]
        plan = most_different(candidates, models, [quota for quota, _ in sizes], begin_s)
        if plan is None:
            return False
        self._tried.add((plan.name, len(plan.instants), kinds))
        self._say(f"rests for {rest_s:.1f} s, then separates {', '.join(sorted(kinds))} ({plan.name})")
        self.target.close(10**6)
        self.target.wait(rest_s)
        self.target.send(paces.at(plan.instants))
        return True

    def _measure(self, only: Hypothesis) -> bool:
        """Narrow the bounds of the only hypothesis that is left; returns whether more can be done."""
        if only.kind is Kind.TOKEN_BUCKET:
            return self._measure_bucket(only, {name for name, each in only.bounds.items() if _is_wide(name, each)})
        if only.kind is Kind.LUMPS:
            return self._measure_lumps(only)
        if only.kind in (Kind.LEAKY_QUEUE, Kind.WORK_QUEUE):
            return self._measure_queue(only)
        period = only.bounds.get("window_s") or only.bounds.get("penalty_s")
        if period is None or not _is_wide("window_s", period) or self._measured >= MOST_MEASURED:
            return False
        self._measured += 1
        quota, window_s = plan_size(only)
        self._say(f"measures the {'window' if 'window_s' in only.bounds else 'penalty'}")
        self.target.wait(1.2 * window_s)
        step_s = (min(period.high, MOST_TIMES * period.low) - period.low) / 12
        edges = [period.low + number * step_s for number in range(13)]
        if only.kind is Kind.ALIGNED_WINDOW:
            edges = [number * window_s / 16 for number in range(1, 36)]
        self.target.send(paces.at([*[0.0] * (round(quota) + 2), *edges]))
        return True

    def _measure_queue(self, only: Hypothesis) -> bool:
        if not _is_wide("rate", only.bounds["rate"]) or self._measured >= MOST_MEASURED:
            return False
        rate = only.likely["rate"]
        number = round(min(600.0, max(40.0, 3 * rate))) * 2**self._measured
        self._measured += 1
        self._say(f"keeps the queue busy, {number} requests at {1.15 * rate:.3g}/s")
        self.target.send(paces.steady(1.15 * rate, number))
        return True

    def _measure_lumps(self, only: Hypothesis) -> bool:
        if not any(_is_wide(name, each) for name, each in only.bounds.items()) or self._measured >= MOST_MEASURED:
            return False
        self._measured += 1
        found = only.likely
        rate = 1.6 * found["lump"] / found["interval_s"]
        self._say("measures the fills")
        self.target.send(
            paces.steady(max(rate, 12 / found["interval_s"]), round(min(600.0, 12 * rate * found["interval_s"])))
        )
        return True

    def _measure_bucket(self, only: Hypothesis, wide: set[str]) -> bool:
        rate = sum(only.bounds["rate"]) / 2
        burst = sum(only.bounds["burst"]) / 2
        if "rate" in wide:
            if self._measured >= MOST_MEASURED:
                return False
            number = round(min(max(60.0, 2.5 * rate), 600.0)) * 2**self._measured
            self._measured += 1
            self._say(f"measures the rate, {number} requests at {1.3 * rate:.3g}/s")
            self.target.send(paces.steady(1.3 * rate, number))
            return True
        if "burst" not in wide:
            return False
        rest_s = 1.1 * burst / rate
        self._say(f"measures the burst, after a rest of {rest_s:.1f} s")
        self.target.wait(rest_s)
        self.target.send(paces.at([0.0] * round(1.05 * burst + 4)))
        return True


def _last_rate(answers: list[Observation]) -> float:
    """The rate of the last requests."""
    last = answers[-12:]
    return (len(last) - 1) / max(1e-3, last[-1].sent_s - last[0].sent_s) if len(last) > 1 else FIRST_RATE


def _is_wide(name: str, bounds: Bounds) -> bool:
    """Whether bounds are too wide; a number of requests need not be closer than 2."""
    least = 0.0 if name.endswith("_s") or name == "rate" else 2.0
    return bounds.high - bounds.low > max(least, PRECISE * bounds.high)


def plan_size(hypothesis: Hypothesis) -> tuple[float, float]:
    """The quota and the window that plans are made for."""
    found = hypothesis.likely
    if "cap" in found:
        return found["cap"], 1.0
    if "penalty_s" in found:
        return found["burst"], max(found["penalty_s"], found["burst"] / max(found["rate"], 1e-3))
    if "rate" in found and "burst" not in found:
        capacity = found.get("capacity", 10.0)
        return capacity, capacity / found["rate"]
    if "rate" in found:
        return found["burst"], found["burst"] / max(found["rate"], 1e-3)
    if "interval_s" in found:
        return found["burst"], found["interval_s"] * max(1.0, found["burst"] / found["lump"])
    return found["quota"], found["window_s"]


def _model(hypothesis: Hypothesis, evidence: Evidence) -> Limit:
    """A limit of this kind after all requests so far. A cap is empty: its sessions are closed before a plan."""
    found = hypothesis.likely
    method = METHODS[hypothesis.kind]
    if method.make is None:
        return SessionCap(max(1, round(found["cap"])))
    limit = method.make(evidence, *(found[name] for name in method.parameters))
    for each in evidence.all:
        limit.admit((each.earliest_s + each.latest_s) / 2)
    return limit
