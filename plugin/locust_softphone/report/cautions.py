"""What a comparison must not pass over: runs that stand side by side as if they were alike, and are not.

another surrounding      target, policy, versions, workers: a difference may be theirs
one name, two plans      the profile was changed between the runs
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations

from locust_softphone.report.comparison import Arm, Run, arms_of
from locust_softphone.report.conditions import SURROUNDINGS, Difference, differences

__all__ = ["cautions"]


def cautions(runs: Sequence[Run]) -> list[str]:
    """A sentence for each thing to mind in these runs, saying what differs and in which of them."""
    arms = arms_of(runs)
    return [*_surroundings(arms), *_plans(arms)]


def _surroundings(arms: Sequence[Arm]) -> Iterable[str]:
    """What differs from the first arm, each difference once, with all the arms that have it."""
    first, *others = arms
    having: dict[Difference, list[str]] = {}
    for arm in others:
        for difference in differences(first.conditions, arm.conditions):
            if difference.part in SURROUNDINGS:
                having.setdefault(difference, []).append(arm.label)
    if having:
        told = "; ".join(
            f"{_named(difference)} {difference.before} in {first.label}, {difference.after} in {', '.join(labels)}"
            for difference, labels in having.items()
        )
        yield f"Warning: a difference may be one of surroundings, which are not the same: {told}."


def _named(difference: Difference) -> str:
    """The field, after its part where it does not tell by itself."""
    return difference.name if difference.part == difference.name else f"{difference.part} {difference.name}"


def _plans(arms: Sequence[Arm]) -> Iterable[str]:
    for before, after in combinations(arms, 2):
        if before.runs[0].name != after.runs[0].name:
            continue
        found = [each for each in differences(before.conditions, after.conditions) if each.part not in SURROUNDINGS]
        if found:
            told = ", ".join(f"{each.name} {each.before} against {each.after}" for each in found)
            yield f"Warning: {before.label} and {after.label} have one name, and not one plan: {told}."
