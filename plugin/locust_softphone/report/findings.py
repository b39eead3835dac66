"""What a comparison comes to, in two or three sentences, each derived from the figures of the runs at hand.

    who had all answered, with the fewest attempts          the best arm, or the arms that are about the same
    one change at a time                                    arms that differ in one part of their conditions only
    where 429s remained

Nothing is assumed about who should win, and little is made of little: a figure of one run each must differ by a tenth
to be told apart, for a burst without jitter, run again, was seen to answer 458, 480 and 497 of 500. Of repeated runs,
figures are told apart whose difference is outside the noise (``statistics``). Runs that are not valid, or were aborted,
are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import combinations
from typing import NamedTuple

from locust_softphone.report.cautions import cautions
from locust_softphone.report.comparison import Arm, Run, Spread, arms_of, comparable, compared, figure, seconds
from locust_softphone.report.conditions import Difference, differences
from locust_softphone.report.wave import Wave, wave_of

__all__ = ["findings", "headline"]

SAME_WITHIN = 0.10
SAME_WITHIN_IF_REPEATED = 0.02
MOST_CHANGES = 3
MOST_FIGURES = 3

_ATTEMPTS = "amplification"
_WORDS = {
    "answered": "answered",
    "rate_limited": "429s",
    "abnormal_closes": "abnormal closes",
    _ATTEMPTS: "attempts per softphone",
}


def findings(runs: Sequence[Run]) -> list[str]:
    """The sentences about these runs."""
    arms = arms_of(comparable(runs))
    sentences = []
    if not arms:
        whole = " and went on to its end" if any(run.aborted for run in runs) else ""
        return [f"No run is valid{whole}, so there is nothing to compare.", *cautions(runs)]
    if len(arms) == 1:
        sentences.append(_only(arms[0]))
    elif _all_the_same(arms):
        same = "The differences between them are inside the noise" if _noise(arms) else "All came out about the same"
        sentences.append(f"{same}: {_figures(arms)}.")
    else:
        sentences += [_best(arms), _single_changes(arms), _where_limited(arms)]
    if returned := _returned(arms):
        sentences.append(returned)
    if invalid := [run.label for run in runs if run.verdict == "invalid"]:
        sentences.append(f"Left out as not valid: {_and(invalid)}.")
    if aborted := [run.label for run in runs if run.aborted and run.verdict != "invalid"]:
        sentences.append(f"Left out as aborted: {_and(aborted)}.")
    return [*sentences, *cautions(runs)]


def headline(runs: Sequence[Run]) -> str:
    """The one sentence that says what made the difference: the single change that did most, or else who did best."""
    arms = arms_of(comparable(runs))
    if len(arms) > 1 and not _all_the_same(arms):
        for change in _largest_changes(arms)[:1]:
            if any(change.effect):
                return f"What made the difference: {_told(_towards_better(change))}."
    return findings(runs)[0]


def _only(arm: Arm) -> str:
    if len(arm.runs) == 1:
        return f"There is one run, and nothing to compare it with: {arm.label} had {_figures([arm])}."
    return f"All {len(arm.runs)} runs are of the same plan: {arm.label} had {_figures([arm])}."


def _figures(arms: Sequence[Arm]) -> str:
    """All that the sentences are about, over all runs of these arms."""
    spreads = {fact: _over(arm.spread(fact) for arm in arms) for fact in _WORDS}
    planned = figure(max(arm.planned for arm in arms))
    answered = spreads.pop("answered")
    others = [f"{spreads[fact] if spreads[fact].high else 'no'} {_WORDS[fact]}" for fact in spreads]
    return ", ".join([f"{answered} of {planned} answered", *others])


def _over(spreads: Iterable[Spread]) -> Spread:
    lows, highs = zip(*spreads, strict=True)
    return Spread(min(lows), max(highs))


# Who did best.


def _best(arms: Sequence[Arm]) -> str:
    """Who had all answered with the fewest attempts; where nobody had, who had the most answered."""
    complete = [arm for arm in arms if arm.spread("answered").low == arm.planned]
    if not complete:
        most = max(arms, key=_least_answered)
        best = [arm for arm in arms if _about_the_same("answered", arm, most)]
        return f"None had every softphone answered; the most had {_and(_answered(arm) for arm in best)}."
    fewest = min(complete, key=lambda arm: arm.spread(_ATTEMPTS).high)
    best = [arm for arm in complete if _about_the_same(_ATTEMPTS, fewest, arm)]
    names, attempts = _and(arm.label for arm in best), _over(arm.spread(_ATTEMPTS) for arm in best)
    soonest = _soonest(best)
    if others := [arm for arm in complete if arm not in best]:
        then = f", then {_and(f'{arm.label} ({arm.spread(_ATTEMPTS)})' for arm in others)}"
        return (
            f"{names} had every softphone answered with the fewest attempts per softphone ({attempts}){then}{soonest}."
        )
    if len(complete) == len(arms):
        return f"All had every softphone answered, with {attempts} attempts per softphone{soonest}."
    next_best = max((arm for arm in arms if arm not in complete), key=_least_answered)
    return (
        f"Only {names} had every softphone answered, with {attempts} attempts per softphone{soonest}; "
        f"next came {_answered(next_best)}."
    )


def _least_answered(arm: Arm) -> float:
    return arm.spread("answered").low / arm.planned


def _answered(arm: Arm) -> str:
    return (
        f"{arm.label} with {arm.spread('answered')} of {figure(arm.planned)} "
        f"({arm.spread(_ATTEMPTS)} attempts per softphone)"
    )


def _soonest(arms: Sequence[Arm]) -> str:
    """Of several that did equally well, who had all connected first."""
    timed = [(arm.spread("time_to_connected").high, arm) for arm in arms if arm.has("time_to_connected")]
    if len(timed) < 2:
        return ""
    (first_s, first), *_, (last_s, _) = sorted(timed, key=lambda each: each[0])
    if last_s - first_s <= SAME_WITHIN * last_s:
        return ""
    return f"; {first.label} was the soonest to have all connected, after {seconds(first_s)} against {seconds(last_s)}"


# What a single change did.


class _Change(NamedTuple):
    before: Arm
    after: Arm
    difference: Difference

    @property
    def effect(self) -> tuple[float, ...]:
        """How much it moved each figure per planned softphone, those that count most first."""
        return tuple(
            0.0
            if _about_the_same(fact, self.before, self.after)
            else abs(_per_softphone(fact, self.after) - _per_softphone(fact, self.before))
            for fact in _WORDS
        )


def _towards_better(change: _Change) -> _Change:
    """The same change, told so that it had more answered, or else what counts next."""
    before, after, difference = change
    answered, *others = (_per_softphone(fact, after) - _per_softphone(fact, before) for fact in _WORDS)
    if next((step for step in (answered, *(-other for other in others)) if step), 0) >= 0:
        return change
    return _Change(after, before, replace(difference, before=difference.after, after=difference.before))


def _largest_changes(arms: Sequence[Arm]) -> list[_Change]:
    """For each thing that is the only one to differ between two arms, its clearest case; the largest effects first."""
    clearest: dict[tuple[str, str], _Change] = {}
    for before, after in combinations(arms, 2):
        found = differences(before.conditions, after.conditions)
        if len(found) == 1:
            change = _Change(before, after, found[0])
            thing = (change.difference.part, change.difference.name)
            clearest[thing] = max(clearest.setdefault(thing, change), change, key=_clarity)
    return sorted(clearest.values(), key=lambda change: change.effect, reverse=True)


def _single_changes(arms: Sequence[Arm]) -> str:
    largest = _largest_changes(arms)[:MOST_CHANGES]
    if not largest:
        return "No two of them differ in one thing only, so no difference can be put down to a single change."
    return f"One change at a time{_runs_each(arms)}: {'; '.join(map(_told, largest))}."


def _runs_each(arms: Sequence[Arm]) -> str:
    fewest, most = (of(len(arm.runs) for arm in arms) for of in (min, max))
    if most == 1:
        return ", one run each"
    return f", {fewest} runs each" if fewest == most else f", {fewest} to {most} runs each"


def _clarity(change: _Change) -> tuple[float, ...]:
    return (-change.difference.fields, *change.effect)


def _told(change: _Change) -> str:
    before, after, difference = change
    moved = [fact for fact in _WORDS if not _about_the_same(fact, before, after)][:MOST_FIGURES]
    figures = _and(f"{_WORDS[fact]} from {_from_to(fact, before, after)}" for fact in moved or ["answered"])
    none = "made no difference beyond the noise," if _noise((before, after)) else "made little difference,"
    values = f"from {difference.before} to {difference.after}"
    return f"{difference.name} {values} ({before.label}, {after.label}) {'took' if moved else none} {figures}"


def _from_to(fact: str, before: Arm, after: Arm) -> str:
    if fact == "answered" and before.planned != after.planned:
        return f"{before.spread(fact)} of {figure(before.planned)} to {after.spread(fact)} of {figure(after.planned)}"
    return f"{before.spread(fact)} to {after.spread(fact)}"


# Where 429s remained.


def _where_limited(arms: Sequence[Arm]) -> str:
    fact = "rate_limited"
    limited = [arm for arm in arms if arm.spread(fact).high]
    free = [arm.label for arm in arms if arm not in limited]
    if not limited:
        return "None of them saw a 429."
    named = _and(f"{arm.label} ({arm.spread(fact)})" for arm in limited)
    return f"429s remained in {named}; there were none in {_and(free)}." if free else f"All of them saw 429s: {named}."


# What came back after a drop.


def _returned(arms: Sequence[Arm]) -> str:
    """The wave that each arm made after its edge had dropped many at once, the lowest first."""
    waves = [(arm, wave) for arm in arms if (wave := _highest(arm)) is not None]
    if not waves:
        return ""
    waves.sort(key=lambda each: (each[1].limited_per_s, each[1].handshakes_per_s))
    each = "; ".join(f"{arm.label} {_wave(wave)}" for arm, wave in waves)
    return f"Returning after a drop of {figure(max(wave.dropped for _, wave in waves))} at once: {each}."


def _highest(arm: Arm) -> Wave | None:
    """The wave of an arm; of several runs, the worst in each respect."""
    waves = [wave for run in arm.runs if (wave := wave_of(run.record)) is not None]
    if not waves:
        return None
    dropped, returned, after_s, handshakes, limited = zip(*waves, strict=True)
    return Wave(max(dropped), min(returned), max(after_s), max(handshakes), max(limited))


def _wave(wave: Wave) -> str:
    all_back = "all back" if wave.returned >= wave.dropped else f"{figure(wave.returned)} back"
    limited = f"{figure(wave.limited_per_s)} 429s" if wave.limited_per_s else "no 429s"
    return (
        f"up to {figure(wave.handshakes_per_s)} handshakes and {limited} in a second, {all_back} after {wave.after_s} s"
    )


# Small questions.


def _all_the_same(arms: Sequence[Arm]) -> bool:
    return all(_about_the_same(fact, a, b) for a, b in combinations(arms, 2) for fact in _WORDS) and (
        len({arm.planned for arm in arms}) == 1
    )


def _noise(arms: Sequence[Arm]) -> bool:
    """Whether every difference between them could as well be none; of single runs nobody can tell."""
    found = [compared(fact, a, b) for a, b in combinations(arms, 2) for fact in _WORDS]
    return all(each is not None and each.in_the_noise for each in found)


def _about_the_same(fact: str, a: Arm, b: Arm) -> bool:
    """Whether a figure does not tell two arms apart. None and some, or all and not all, in every run, always do."""
    x, y = a.spread(fact), b.spread(fact)
    overlapping = a.planned == b.planned and x.overlaps(y)
    if not overlapping and (x.high == 0) != (y.high == 0):
        return False
    if not overlapping and fact == "answered" and (x.low == a.planned) != (y.low == b.planned):
        return False
    difference = compared(fact, a, b)
    in_the_noise = difference.in_the_noise if difference else None
    if in_the_noise or (in_the_noise is None and overlapping):
        return True
    per_a, per_b = _per_softphone(fact, a), _per_softphone(fact, b)
    within = SAME_WITHIN if in_the_noise is None else SAME_WITHIN_IF_REPEATED
    return abs(per_a - per_b) <= within * (1.0 if fact == "answered" else max(per_a, per_b))


def _per_softphone(fact: str, arm: Arm) -> float:
    """The middle of a figure's spread; a count as a share of the planned softphones."""
    middle = sum(arm.spread(fact)) / 2
    return middle if fact == _ATTEMPTS else middle / arm.planned


def _and(parts: Iterable[str]) -> str:
    *most, last = parts
    return f"{', '.join(most)} and {last}" if most else last
