"""What the runs of a comparison show, in a few sentences, each derived from their metrics.

    which arms had every softphone answered, and of arms of equal size, which with the fewest attempts
    what a change did, of arms that differ in one part of their conditions only
    in which arms there were 429s
    which limit one arm shows that another arm cannot tell

Nothing is assumed about which arm should do best. Runs that are not valid or were aborted are left out. When two arms
count as different is defined in ``differences``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum, auto

from locust_softphone.report.arms import Arm, Run, Spread
from locust_softphone.report.change_sentences import NOT_ATTRIBUTED, WORDS, change_sentences, headline_change
from locust_softphone.report.differences import KEY_METRICS, SAME_WITHIN, ArmDifference
from locust_softphone.report.limit_texts import limits_by_step, limits_identified
from locust_softphone.report.reconnects import reconnect_sentence
from locust_softphone.report.values import listed, number
from locust_softphone.runs.record import RunRecord
from locust_softphone.text import duration

__all__ = ["Finding", "FindingKind", "findings_of", "headline_of"]

_ATTEMPTS = "amplification"


class FindingKind(StrEnum):
    """What a finding is about."""

    NOTHING_TO_COMPARE = auto()
    ONE_ARM = auto()
    NO_DIFFERENCE = auto()
    BEST_ARM = auto()
    CHANGE = auto()
    RATE_LIMITED = auto()
    LIMIT = auto()
    RECONNECTS = auto()
    LEFT_OUT = auto()
    BASELINE = auto()
    WARNING = auto()


@dataclass(frozen=True)
class Finding:
    """One sentence, and what it is about."""

    kind: FindingKind
    text: str


def findings_of(runs: Sequence[Run], arms: Sequence[Arm], differences: Sequence[ArmDifference]) -> list[Finding]:
    """What these runs show.

    Args:
        runs: all of them.
        arms: the comparable ones by arm.
        differences: between each two arms.
    """
    return [*_of_arms(runs, arms, differences), *(_left_out(runs) if arms else ())]


def headline_of(runs: Sequence[Run], findings: Sequence[Finding], differences: Sequence[ArmDifference]) -> str:
    """The outcome of a run alone; else what made the largest difference; else the first finding."""
    if len(runs) == 1:
        return f"{runs[0].label}: {runs[0].record.outcome}"
    if findings[0].kind is FindingKind.BEST_ARM and (headline := headline_change(differences)):
        return headline
    return findings[0].text


def _of_arms(runs: Sequence[Run], arms: Sequence[Arm], differences: Sequence[ArmDifference]) -> Iterable[Finding]:
    if not arms:
        complete = " and complete" if any(run.record.aborted for run in runs) else ""
        text = f"No run is valid{complete}, so there is nothing to compare."
        yield Finding(FindingKind.NOTHING_TO_COMPARE, text)
        return
    if len(arms) == 1:
        yield Finding(FindingKind.ONE_ARM, _only(arms[0], runs))
    elif all(not any(each.effect) and each.before.planned == each.after.planned for each in differences):
        noise = "No difference is significant"
        same = noise if all(each.is_noise for each in differences) else "All gave about the same result"
        yield Finding(FindingKind.NO_DIFFERENCE, f"{same}: {_key_metrics(arms)}.")
    else:
        yield Finding(FindingKind.BEST_ARM, _best(arms, differences))
        sentences = list(change_sentences(differences)) or [NOT_ATTRIBUTED]
        yield from (Finding(FindingKind.CHANGE, text) for text in sentences)
        yield Finding(FindingKind.RATE_LIMITED, _where_limited(arms))
    yield from (Finding(FindingKind.LIMIT, text) for text in _limits(arms))
    if reconnects := reconnect_sentence(arms):
        yield Finding(FindingKind.RECONNECTS, reconnects)


def _left_out(runs: Sequence[Run]) -> Iterable[Finding]:
    for why, left_out in (
        ("not valid", [run.label for run in runs if run.record.verdict == "invalid"]),
        ("aborted", [run.label for run in runs if run.record.aborted and run.record.verdict != "invalid"]),
    ):
        if left_out:
            yield Finding(FindingKind.LEFT_OUT, f"Left out because {why}: {listed(left_out)}.")


def _only(arm: Arm, runs: Sequence[Run]) -> str:
    if len(arm.runs) < len(runs):
        of = "Only one run is" if len(arm.runs) == 1 else f"Only runs of {arm.label} are"
        return f"{of} valid and complete, so there is nothing to compare: {arm.label} had {_key_metrics([arm])}."
    if len(arm.runs) == 1:
        return f"There is one run, and nothing to compare it with: {arm.label} had {_key_metrics([arm])}."
    return f"All {len(arm.runs)} runs have the same plan: {arm.label} had {_key_metrics([arm])}."


def _key_metrics(arms: Sequence[Arm]) -> str:
    """The key metrics over all runs of these arms."""
    spreads = {metric: Spread.over(arm.spread(metric) for arm in arms) for metric in KEY_METRICS}
    planned = number(max(arm.planned for arm in arms))
    answered = spreads.pop("answered")
    others = [f"{spread if spread.high else 'no'} {WORDS[metric]}" for metric, spread in spreads.items()]
    return ", ".join([f"{answered} of {planned} answered", *others])


# Which arm did best


def _best(arms: Sequence[Arm], differences: Sequence[ArmDifference]) -> str:
    """The arms that had every softphone answered with the fewest attempts; if there are none, the most answered."""
    complete = [arm for arm in arms if arm.spread("answered").low == arm.planned]
    if not complete:
        most = max(arms, key=_least_answered)
        best = _same_as(most, "answered", arms, differences)
        were = "best was" if len(best) == 1 else "best were"
        return f"None had every softphone answered; {were} {listed(_answered(arm) for arm in best)}."
    if len({arm.planned for arm in complete}) > 1:  # what few softphones need says nothing about many
        each = listed(f"{arm.label} ({number(arm.planned)})" for arm in complete)
        return f"Every softphone was answered in {each}{_next_best(arms, complete)}."
    fewest = min(complete, key=lambda arm: arm.spread(_ATTEMPTS).high)
    best = _same_as(fewest, _ATTEMPTS, complete, differences)
    names, attempts = listed(arm.label for arm in best), Spread.over(arm.spread(_ATTEMPTS) for arm in best)
    fastest = _fastest(best)
    if others := [arm for arm in complete if arm not in best]:
        then = f", then {listed(f'{arm.label} ({arm.spread(_ATTEMPTS)})' for arm in others)}"
        return (
            f"{names} had every softphone answered with the fewest attempts per softphone ({attempts}){then}{fastest}."
        )
    if len(complete) == len(arms):
        return f"All had every softphone answered, with {attempts} attempts per softphone{fastest}."
    return (
        f"Only {names} had every softphone answered, with {attempts} attempts per softphone{fastest}"
        f"{_next_best(arms, complete)}."
    )


def _next_best(arms: Sequence[Arm], complete: Sequence[Arm]) -> str:
    others = [arm for arm in arms if arm not in complete]
    return f"; next was {_answered(max(others, key=_least_answered))}" if others else ""


def _same_as(arm: Arm, metric: str, arms: Sequence[Arm], differences: Sequence[ArmDifference]) -> list[Arm]:
    """The arms that a metric does not distinguish from this one, including itself."""
    apart = [each for each in differences if arm in (each.before, each.after) and each.distinguishes(metric)]
    return [other for other in arms if other is arm or not any(other in (each.before, each.after) for each in apart)]


def _least_answered(arm: Arm) -> float:
    return arm.spread("answered").low / arm.planned


def _answered(arm: Arm) -> str:
    return (
        f"{arm.label} with {arm.spread('answered')} of {number(arm.planned)} "
        f"({arm.spread(_ATTEMPTS)} attempts per softphone)"
    )


def _fastest(arms: Sequence[Arm]) -> str:
    """Of several arms that did equally well, the one that connected all softphones first."""
    timed = [(arm.spread("time_to_connected").high, arm) for arm in arms if arm.has("time_to_connected")]
    if len(timed) < 2:
        return ""
    (first_s, first), *_, (last_s, _) = sorted(timed, key=lambda each: each[0])
    if last_s - first_s <= SAME_WITHIN * last_s:
        return ""
    return f"; {first.label} was the fastest to connect all, in {duration(first_s)} against {duration(last_s)}"


# Where there were 429s


def _where_limited(arms: Sequence[Arm]) -> str:
    limited = [arm for arm in arms if arm.spread("rate_limited").high]
    free = [arm.label for arm in arms if arm not in limited]
    if not limited:
        return "There were no 429s."
    named = listed(f"{arm.label} ({arm.spread('rate_limited')})" for arm in limited)
    return f"There were 429s in {named}, and none in {listed(free)}." if free else f"All had 429s: {named}."


def _limits(arms: Sequence[Arm]) -> Iterable[str]:
    """Each limit that a run of one arm identifies, where a run of another arm met it and leaves several kinds."""
    runs = [(arm.label, run.record) for arm in arms for run in arm.runs]
    met = dict.fromkeys(limit.step for _, record in runs for limit in limits_by_step(record))
    for step in met:
        found = [(label, limits_identified(record).get(step)) for label, record in runs if _met(record, step)]
        known = [(label, limit) for label, limit in found if limit]
        if known and any(not limit for label, limit in found if label not in dict(known)):
            arms_that_tell = listed(dict.fromkeys(label for label, _ in known))
            yield f"Only {arms_that_tell} can tell the limit of {step}: {known[0][1]}."


def _met(record: RunRecord, step: str) -> bool:
    return any(limit.step == step for limit in limits_by_step(record))
