"""What a change did, from the worse arm to the better one.

    Pacing the starts at 50/s (burst-500 → paced-50, one run each): 500 of 500 answered instead of 26 and no 429s
    instead of 447.

The headline and the findings are made from the same differences in the same direction. Which differences there are is
defined in ``differences``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from locust_softphone.report.arms import Arm
from locust_softphone.report.change_words import change_words, is_single
from locust_softphone.report.differences import KEY_METRICS, ArmDifference
from locust_softphone.report.values import listed, number

__all__ = ["NOT_ATTRIBUTED", "WORDS", "change_sentences", "headline_change"]

MOST_CHANGES = 4
MOST_METRICS = 3

NOT_ATTRIBUTED = "No two of them differ in one setting only, so no difference can be attributed to a single change."

WORDS = dict(zip(KEY_METRICS, ("answered", "429s", "abnormal closes", "attempts per softphone"), strict=True))
"""The key metrics in words."""


def headline_change(differences: Sequence[ArmDifference]) -> str | None:
    """What made the largest difference: a single setting if one made any, else several at once. None if none did."""
    for candidates in (
        [each for each in _clearest(differences) if is_single(each.changed)],
        _clearest(differences),
        sorted(differences, key=lambda each: each.effect, reverse=True),
    ):
        if candidates and any(candidates[0].effect):
            better = candidates[0].for_the_better()
            first = next(metric for metric in KEY_METRICS if better.distinguishes(metric))
            return f"{_subject(better)}: {_instead(first, better)}."
    return None


def change_sentences(differences: Sequence[ArmDifference]) -> Iterable[str]:
    """A sentence for each of the clearest changes of one part of the conditions; single settings come first."""
    clearest = sorted(_clearest(differences), key=lambda each: not is_single(each.changed))
    for each in clearest[:MOST_CHANGES]:
        better = each.for_the_better()
        yield f"{change_words(better.changed)} ({_arms(better)}): {_effect(better)}."


def _clearest(differences: Sequence[ArmDifference]) -> list[ArmDifference]:
    """For each part that alone differs between two arms, the clearest case; the largest effects first."""
    clearest: dict[tuple[str, str], ArmDifference] = {}
    for each in differences:
        if len(each.changed) == 1:
            setting = (each.changed[0].part, each.changed[0].name)
            clearest[setting] = max(clearest.setdefault(setting, each), each, key=_clarity)
    return sorted(clearest.values(), key=lambda each: each.effect, reverse=True)


def _clarity(difference: ArmDifference) -> tuple[float, ...]:
    return (-difference.changed[0].settings, *difference.effect)


def _subject(difference: ArmDifference) -> str:
    words = change_words(difference.changed)
    if is_single(difference.changed):
        return words
    return f"{difference.after.label} instead of {difference.before.label}, {words}"


def _arms(difference: ArmDifference) -> str:
    before, after = difference.before, difference.after
    fewest, most = (of(len(before.runs), len(after.runs)) for of in (min, max))
    runs = "one run" if most == 1 else f"{most} runs" if fewest == most else f"{fewest} to {most} runs"
    return f"{before.label} → {after.label}, {runs} each"


def _effect(difference: ArmDifference) -> str:
    """The metrics that moved: first those that became better, then at what cost."""
    moved = [metric for metric in KEY_METRICS if difference.distinguishes(metric)][:MOST_METRICS]
    if not moved:
        little = "no significant difference" if difference.is_noise else "little difference"
        return f"{little}, {_instead('answered', difference)}"
    better = [_instead(metric, difference) for metric in moved if difference.is_better(metric)]
    worse = [_instead(metric, difference) for metric in moved if not difference.is_better(metric)]
    return ", but ".join(listed(each) for each in (better, worse) if each)


def _instead(metric: str, difference: ArmDifference) -> str:
    """``26 of 500 answered instead of 20``, ``no 429s instead of 447``."""
    before, after = difference.before, difference.after
    if metric == "answered":
        of_before = f" of {number(before.planned)}" if before.planned != after.planned else ""
        instead = f"{after.spread(metric)} of {number(after.planned)} answered"
        if not of_before and before.spread(metric) == after.spread(metric):
            return f"{instead} in both"
        return f"{instead} instead of {before.spread(metric)}{of_before}"
    return f"{_value(metric, after)} {WORDS[metric]} instead of {_value(metric, before)}"


def _value(metric: str, arm: Arm) -> str:
    spread = arm.spread(metric)
    return "no" if spread.high == 0 and metric != "amplification" else str(spread)
