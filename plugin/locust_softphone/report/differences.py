"""Differences between two arms: which conditions changed, and how much each metric moved, if it did.

A metric distinguishes two arms when

    its difference is significant (Holm's correction, see ``statistics``) and larger than 2 %
    or, where an arm has a single run, it is larger than 10 %: a burst without jitter, run three times, answered 458,
    480 and 497 of 500
    or it is zero in all runs of one arm only, or all softphones were answered in all runs of one arm only

but never where the arms have several runs and the difference is not significant: that is noise, in tables and in
sentences.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations

from locust_softphone.metrics.catalogue import KINDS
from locust_softphone.report import statistics
from locust_softphone.report.arms import COMPARED_METRICS, Arm
from locust_softphone.report.conditions import Change, changes
from locust_softphone.report.statistics import Estimate

__all__ = ["KEY_METRICS", "SAME_WITHIN", "SAME_WITHIN_IF_REPEATED", "ArmDifference", "differences_between"]

SAME_WITHIN = 0.10
SAME_WITHIN_IF_REPEATED = 0.02

KEY_METRICS = ("answered", "rate_limited", "abnormal_closes", "amplification")
"""The metrics that decide which arm did better, the most important first. Only they are in sentences."""


@dataclass(frozen=True)
class ArmDifference:
    """From one arm to another.

    Args:
        before: one arm.
        after: the other arm.
        changed: the conditions that differ.
    """

    before: Arm
    after: Arm
    changed: tuple[Change, ...]

    @cached_property
    def metrics(self) -> Mapping[str, Estimate | None]:
        """How much each compared metric moved; counts per softphone where the arms planned different numbers."""
        return {metric: self._moved(metric) for metric in COMPARED_METRICS}

    def is_per_softphone(self, metric: str) -> bool:
        return KINDS[metric] == "count" and self.before.planned != self.after.planned

    def _moved(self, metric: str) -> Estimate | None:
        old, new = self.before.estimates[metric], self.after.estimates[metric]
        if old is None or new is None:
            return None
        if self.is_per_softphone(metric):
            old, new = self.before.per_softphone(metric), self.after.per_softphone(metric)
        return statistics.difference(old, new)

    @cached_property
    def effect(self) -> tuple[float, ...]:
        """How much each key metric moved per planned softphone; 0 where it does not distinguish the arms."""
        return tuple(self._effect(metric) for metric in KEY_METRICS)

    def distinguishes(self, metric: str) -> bool:
        """Whether a key metric distinguishes the arms."""
        return self.effect[KEY_METRICS.index(metric)] != 0

    @cached_property
    def _significant(self) -> frozenset[str]:
        key = {metric: self.metrics[metric] for metric in KEY_METRICS}
        times = {metric: moved for metric, moved in self.metrics.items() if metric not in KEY_METRICS}
        return statistics.significant(key) | statistics.significant(times)

    def is_significant(self, metric: str) -> bool | None:
        """Whether a difference may be claimed; None where an arm has a single run or did not measure it."""
        moved = self.metrics[metric]
        return None if moved is None or moved.p_value is None else metric in self._significant

    @property
    def is_noise(self) -> bool:
        """Whether no key metric has a significant difference; False where an arm has a single run."""
        return all(self.is_significant(metric) is False for metric in KEY_METRICS)

    def reversed(self) -> ArmDifference:
        changed = (replace(each, before=each.after, after=each.before) for each in self.changed)
        return ArmDifference(self.after, self.before, tuple(changed))

    def is_better(self, metric: str) -> bool:
        """Whether a key metric is better afterwards, or as good: more was answered, or less of any other."""
        moved = self._middle(metric, self.after) - self._middle(metric, self.before)
        return moved >= 0 if metric == "answered" else moved <= 0

    def for_the_better(self) -> ArmDifference:
        """The same difference in the direction in which the most important metric that distinguishes became better."""
        metric = next((metric for metric in KEY_METRICS if self.distinguishes(metric)), "answered")
        return self if self.is_better(metric) else self.reversed()

    def _effect(self, metric: str) -> float:
        old, new = self.before.spread(metric), self.after.spread(metric)
        old_middle, new_middle = self._middle(metric, self.before), self._middle(metric, self.after)
        size = abs(new_middle - old_middle)
        is_significant = self.is_significant(metric)
        if is_significant is False:
            return 0.0
        overlapping = self.before.planned == self.after.planned and old.overlaps(new)
        if not overlapping:
            if (old.high == 0) != (new.high == 0):
                return size
            if metric == "answered" and (old.low == self.before.planned) != (new.low == self.after.planned):
                return size
        elif is_significant is None:
            return 0.0
        within = SAME_WITHIN if is_significant is None else SAME_WITHIN_IF_REPEATED
        return size if size > within * (1.0 if metric == "answered" else max(old_middle, new_middle)) else 0.0

    @staticmethod
    def _middle(metric: str, arm: Arm) -> float:
        """The middle of a metric's spread; a count as a share of the planned softphones."""
        middle = sum(arm.spread(metric)) / 2
        return middle if KINDS[metric] == "ratio" else middle / arm.planned


def differences_between(arms: Sequence[Arm]) -> list[ArmDifference]:
    """From each arm to each later one."""
    return [
        ArmDifference(before, after, tuple(changes(before.conditions, after.conditions)))
        for before, after in combinations(arms, 2)
    ]
