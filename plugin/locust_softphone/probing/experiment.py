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
from copy import deepcopy
from functools import partial
from math import inf
from statistics import median

from locust_softphone.limits.inference.diagnosis import Diagnosis, Hypothesis, diagnose, rivals
from locust_softphone.limits.inference.kinds import Kind
from locust_softphone.limits.inference.observations import Evidence, Observation
from locust_softphone.probing import paces
from locust_softphone.probing.finding import MOST_SHARED, Finding
from locust_softphone.probing.measurements import measurement
from locust_softphone.probing.models import model_of, plan_size, together
from locust_softphone.probing.plans import burst_spacing_s, most_different, plans_for
from locust_softphone.probing.probe_budget import DEFAULT_BUDGET, Budget, Metered
from locust_softphone.probing.probe_target import ProbeTarget

__all__ = ["MOST_RATE", "probe"]

FIRST_RATE = 1.0
MOST_RATE = 400.0  # requests per second
MOST_ROUNDS = 10
LEAST_REFUSED = 40  # by a polite plan, however small the burst is
TRUSTED = 0.2  # of the time that is left: for how long a refusal is believed that says when to ask again
TOLD_EARLY_S, TOLD_LATE_S = 1.5, 0.2  # before and after that instant, of which most say whole seconds only
RESTS = (1.2, 1.65)  # times the window
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
        self._measured_kind: Kind | None = None
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
        awaited = False
        for _ in range(MOST_ROUNDS):
            if self.target.spent:
                return
            hypotheses = self.diagnosis.hypotheses
            if not hypotheses:
                if awaited:
                    return
                awaited = True
                self._await_reopening()
            elif len(self.diagnosis.kinds) > 1:
                if not self._separate(hypotheses):
                    return
            elif not (
                self._confirm(hypotheses[0])
                or self._measure(together(hypotheses))
                or (len(hypotheses) > 1 and self._separate(hypotheses))
            ):
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
        """Ask once in a while, after longer and longer silence, until a request is admitted.

        If the last refusal said when, it asks about then only, and goes on like that if it is refused still.
        """
        self._say("waits for the limit to admit again")
        told_s, gap_s = self.target.hint.wait_s, 1.0
        if told_s and told_s < TRUSTED * self.target.left_s:
            gaps_s = [max(0.0, told_s - TOLD_EARLY_S), min(told_s, TOLD_EARLY_S) + TOLD_LATE_S]
            gap_s = max(gap_s, told_s / 4)
        else:
            gaps_s = []
        while not self.target.spent:
            self.target.wait(gaps_s.pop(0) if gaps_s else gap_s)
            if any(each.admitted for each in self.target.send(paces.at([0.0]))):
                return
            gap_s *= 1.0 if gaps_s else 1.5

    def _confirm(self, only: Hypothesis) -> bool:
        """Separate the only kind that is left from rare kinds that do the same so far; returns whether it sent any."""
        if only.kind not in DOUBTFUL or self._confirmed >= MOST_CONFIRMED:
            return False
        self._confirmed += 1
        others = rivals(self.target.observations, self._share)
        return bool(others) and self._separate((only, *others), politely=True)

    def _separate(self, hypotheses: Sequence[Hypothesis], *, politely: bool = False) -> bool:
        """Send the plan for which the remaining kinds differ most; returns whether there is one.

        Args:
            hypotheses: at least two.
            politely: only with a plan that is refused no more often than a burst is large.
        """
        hypotheses = hypotheses[:MOST_COMPARED]
        evidence = Evidence.of(self.target.observations)
        sizes = [plan_size(each) for each in hypotheses]
        hint = self.target.hint
        told_sizes = [(hint.quota, hint.window_s or sizes[0][1])] if hint.quota else []
        window_s, now_s = median(window_s for _, window_s in sizes), self.target.now()
        kinds = frozenset(each.kind for each in hypotheses)
        candidates = [
            (now_s + rest * window_s, plan)
            for rest in RESTS
            for quota, plan_window_s in dict.fromkeys([*told_sizes, *sizes])
            for plan in plans_for(quota, plan_window_s)
            if (plan.name, len(plan.instants), kinds) not in self._tried
            and rest * window_s + plan.lasts_s < self.target.left_s
        ]
        models = [partial(deepcopy, model_of(each, evidence)) for each in hypotheses]
        quotas = [quota for quota, _ in sizes]
        most_refused = min(self.target.left_refused, max(LEAST_REFUSED, median(quotas)) if politely else inf)
        if (chosen := most_different(candidates, models, quotas, most_refused)) is None:
            return False
        begin_s, plan = chosen
        rest_s = begin_s - now_s
        self._tried.add((plan.name, len(plan.instants), kinds))
        self._say(f"rests for {rest_s:.1f} s, then separates {', '.join(sorted(kinds))} ({plan.name})")
        self.target.close(10**6)
        self.target.wait(rest_s)
        spacing_s = burst_spacing_s(plan.instants, self._round_trip_s(), plan.lasts_s)
        self.target.send(paces.at(plan.instants, spacing_s))
        return True

    def _measure(self, only: Hypothesis) -> bool:
        """Narrow the bounds of the only hypothesis that is left; returns whether more can be done."""
        if self._measured_kind is not only.kind:
            self._measured_kind, self._measured = only.kind, 0
        next_one = measurement(only, self._measured, self._round_trip_s())
        if next_one is None:
            return False
        self._measured += 1
        rest = f", after a rest of {next_one.rest_s:.1f} s" if next_one.rest_s else ""
        self._say(f"measures {next_one.what}{rest}")
        self.target.wait(next_one.rest_s)
        self.target.send(next_one.pace)
        return True

    def _round_trip_s(self) -> float:
        return median(each.took_s for each in self.target.observations)


def _last_rate(answers: list[Observation]) -> float:
    """The rate of the last requests."""
    last = answers[-12:]
    return (len(last) - 1) / max(1e-3, last[-1].sent_s - last[0].sent_s) if len(last) > 1 else FIRST_RATE
