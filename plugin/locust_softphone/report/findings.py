"""What the runs of a comparison show, in two or three sentences, each derived from their metrics.

    which arms had every softphone answered, and with the fewest attempts
    what a single change did, of arms that differ in one part of their conditions only
    in which arms there were 429s

Nothing is assumed about which arm should do best. Runs that are not valid or were aborted are left out. When two arms
count as different is defined in ``differences``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum, auto

from locust_softphone.report.arms import Arm, Run, Spread
from locust_softphone.report.differences import KEY_METRICS, SAME_WITHIN, ArmDifference
from locust_softphone.report.timeline import ReconnectWave, wave_of
from locust_softphone.report.values import listed, number
from locust_softphone.text import duration

__all__ = ["Finding", "FindingKind", "findings_of", "headline_of"]

MOST_CHANGES = 3
MOST_METRICS = 3

_ATTEMPTS = "amplification"
_WORDS = dict(zip(KEY_METRICS, ("answered", "429s", "abnormal closes", "attempts per softphone"), strict=True))


class FindingKind(StrEnum):
    """What a finding is about."""

    NOTHING_TO_COMPARE = auto()
    ONE_ARM = auto()
    NO_DIFFERENCE = auto()
    BEST_ARM = auto()
    SINGLE_CHANGES = auto()
    RATE_LIMITED = auto()
    RECONNECTS = auto()
    LEFT_OUT = auto()
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


def headline_of(findings: Sequence[Finding], differences: Sequence[ArmDifference]) -> str:
    """The single change that did most; else the first finding."""
    if findings[0].kind is FindingKind.BEST_ARM:
        for change in _largest_changes(differences)[:1]:
            if any(change.effect):
                return f"What made the difference: {_effect_of(change.for_the_better())}."
    return findings[0].text


def _of_arms(runs: Sequence[Run], arms: Sequence[Arm], differences: Sequence[ArmDifference]) -> Iterable[Finding]:
    if not arms:
        complete = " and complete" if any(run.record.aborted for run in runs) else ""
        text = f"No run is valid{complete}, so there is nothing to compare."
        yield Finding(FindingKind.NOTHING_TO_COMPARE, text)
        return
    if len(arms) == 1:
        yield Finding(FindingKind.ONE_ARM, _only(arms[0]))
    elif all(not any(each.effect) and each.before.planned == each.after.planned for each in differences):
        noise = "No difference is significant (every 95 % interval contains zero)"
        same = noise if all(each.is_noise for each in differences) else "All arms gave about the same result"
        yield Finding(FindingKind.NO_DIFFERENCE, f"{same}: {_key_metrics(arms)}.")
    else:
        yield Finding(FindingKind.BEST_ARM, _best(arms, differences))
        yield Finding(FindingKind.SINGLE_CHANGES, _single_changes(arms, differences))
        yield Finding(FindingKind.RATE_LIMITED, _where_limited(arms))
    if reconnects := _reconnects(arms):
        yield Finding(FindingKind.RECONNECTS, reconnects)


def _left_out(runs: Sequence[Run]) -> Iterable[Finding]:
    for why, left_out in (
        ("not valid", [run.label for run in runs if run.record.verdict == "invalid"]),
        ("aborted", [run.label for run in runs if run.record.aborted and run.record.verdict != "invalid"]),
    ):
        if left_out:
            yield Finding(FindingKind.LEFT_OUT, f"Left out because {why}: {listed(left_out)}.")


def _only(arm: Arm) -> str:
    if len(arm.runs) == 1:
        return f"There is one run, and nothing to compare it with: {arm.label} had {_key_metrics([arm])}."
    return f"All {len(arm.runs)} runs have the same plan: {arm.label} had {_key_metrics([arm])}."


def _key_metrics(arms: Sequence[Arm]) -> str:
    """The key metrics over all runs of these arms."""
    spreads = {metric: Spread.over(arm.spread(metric) for arm in arms) for metric in KEY_METRICS}
    planned = number(max(arm.planned for arm in arms))
    answered = spreads.pop("answered")
    others = [f"{spread if spread.high else 'no'} {_WORDS[metric]}" for metric, spread in spreads.items()]
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
    next_best = max((arm for arm in arms if arm not in complete), key=_least_answered)
    return (
        f"Only {names} had every softphone answered, with {attempts} attempts per softphone{fastest}; "
        f"next was {_answered(next_best)}."
    )


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


# What a single change did


def _single_changes(arms: Sequence[Arm], differences: Sequence[ArmDifference]) -> str:
    largest = _largest_changes(differences)[:MOST_CHANGES]
    if not largest:
        return "No two of them differ in one setting only, so no difference can be attributed to a single change."
    fewest, most = (of(len(arm.runs) for arm in arms) for of in (min, max))
    runs = "one run" if most == 1 else f"{most} runs" if fewest == most else f"{fewest} to {most} runs"
    return f"One change at a time, {runs} each: {'; '.join(map(_effect_of, largest))}."


def _largest_changes(differences: Sequence[ArmDifference]) -> list[ArmDifference]:
    """For each setting that alone differs between two arms, the clearest case; the largest effects first."""
    clearest: dict[tuple[str, str], ArmDifference] = {}
    for each in differences:
        if len(each.changed) == 1:
            setting = (each.changed[0].part, each.changed[0].name)
            clearest[setting] = max(clearest.setdefault(setting, each), each, key=_clarity)
    return sorted(clearest.values(), key=lambda each: each.effect, reverse=True)


def _clarity(difference: ArmDifference) -> tuple[float, ...]:
    return (-difference.changed[0].settings, *difference.effect)


def _effect_of(difference: ArmDifference) -> str:
    before, after, (change,) = difference.before, difference.after, difference.changed
    moved = [metric for metric in KEY_METRICS if difference.distinguishes(metric)][:MOST_METRICS]
    metrics = listed(f"{_WORDS[metric]} from {_from_to(metric, before, after)}" for metric in moved or ["answered"])
    setting = f"{change.name} from {change.before} to {change.after} ({before.label}, {after.label})"
    if moved:
        return f"{setting} changed {metrics}"
    return f"{setting} made {'no significant' if difference.is_noise else 'little'} difference: {metrics}"


def _from_to(metric: str, before: Arm, after: Arm) -> str:
    of_before = of_after = ""
    if metric == "answered" and before.planned != after.planned:
        of_before, of_after = f" of {number(before.planned)}", f" of {number(after.planned)}"
    return f"{before.spread(metric)}{of_before} to {after.spread(metric)}{of_after}"


# Where there were 429s


def _where_limited(arms: Sequence[Arm]) -> str:
    limited = [arm for arm in arms if arm.spread("rate_limited").high]
    free = [arm.label for arm in arms if arm not in limited]
    if not limited:
        return "There were no 429s."
    named = listed(f"{arm.label} ({arm.spread('rate_limited')})" for arm in limited)
    return f"There were 429s in {named}, and none in {listed(free)}." if free else f"All had 429s: {named}."


# What reconnected after a mass disconnect


def _reconnects(arms: Sequence[Arm]) -> str:
    """The reconnect wave of each arm, the lowest first."""
    waves = [(arm, wave) for arm in arms if (wave := _highest(arm)) is not None]
    if not waves:
        return ""
    waves.sort(key=lambda each: (each[1].limited_per_s, each[1].handshakes_per_s))
    dropped = number(max(wave.dropped for _, wave in waves))
    each = "; ".join(_wave(arm, wave) for arm, wave in waves)
    return f"Reconnects after {dropped} connections were lost at once: {each}."


def _highest(arm: Arm) -> ReconnectWave | None:
    """The wave of an arm; of several runs, the worst in each respect."""
    waves = [wave for run in arm.runs if (wave := wave_of(run.timeline, arm.planned)) is not None]
    if not waves:
        return None
    dropped, returned, after_s, handshakes, limited = zip(*waves, strict=True)
    return ReconnectWave(max(dropped), min(returned), max(after_s), max(handshakes), max(limited))


def _wave(arm: Arm, wave: ReconnectWave) -> str:
    limited = f"{number(wave.limited_per_s)} 429s" if wave.limited_per_s else "no 429s"
    returned = "all" if wave.returned >= wave.dropped else number(wave.returned)
    return (
        f"{arm.label} peaked at {number(wave.handshakes_per_s)} handshakes and {limited} in a second, "
        f"{returned} reconnected after {wave.after_s} s"
    )
