"""What limits a run met, in sentences.

handshake: 250 of 750 requests were refused with 429.
Token bucket: 148 to 152 at once, then 49.6 to 50.4 a second.
Ruled out: …
Of 287 who came back when told, 3 were refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from locust_softphone.limits.inference.kinds import Kind
from locust_softphone.metrics.run_outcome import causes_of_step
from locust_softphone.report.limit_sizes import amount, described, rate_is_unknown, total_size
from locust_softphone.runs.limit_parts import Advised, Excluded, Explanation, StepLimit
from locust_softphone.runs.record import RunRecord
from locust_softphone.runs.step_evidence import STATUSES
from locust_softphone.text import duration

__all__ = ["LimitText", "limit_texts", "limits_by_step", "limits_identified", "limits_in_detail", "limits_in_short"]


MOST_DESCRIBED = 3
"""How many hypotheses are described."""


@dataclass(frozen=True)
class LimitText:
    """The diagnosis of one limit of a run.

    Args:
        title: the step, and how many of its requests were refused.
        answer: the hypotheses with their bounds, or that the run cannot tell.
        ruled_out: a sentence for each kind that does not explain the observations.
        notes: what was assumed, what was told, what would tell more.
    """

    title: str
    answer: str
    ruled_out: tuple[str, ...]
    notes: tuple[str, ...]


def limits_by_step(record: RunRecord) -> list[StepLimit]:
    """The limits of a run, in the order of the steps; empty if it met none."""
    order = list(record.steps)
    return sorted(record.limits or (), key=lambda each: order.index(each.step) if each.step in order else len(order))


def limit_texts(record: RunRecord) -> list[LimitText]:
    """The sentences on each limit of a run, in the order of the steps."""
    return [
        LimitText(
            title=_title(each),
            answer=_answer(each),
            ruled_out=tuple(_exclusions(each.ruled_out)),
            notes=tuple(_notes(each, record)),
        )
        for each in limits_by_step(record)
    ]


def limits_in_short(record: RunRecord) -> Iterator[str]:
    """Each limit of a run on one line: the step, and what explains its refusals. Then what would tell more."""
    for text in limit_texts(record):
        yield f"{text.title}. {text.answer}"
    if any(len(_likely(each)) > 1 for each in limits_by_step(record)):
        yield "to tell the kinds apart: locust-softphone probe, which tries each limit on purpose"


def limits_in_detail(record: RunRecord) -> Iterator[str]:
    """What rules out other kinds of limit, what was told, and what the run cannot tell."""
    for text in limit_texts(record):
        step, _, _ = text.title.partition(":")
        for sentence in (*text.ruled_out, *text.notes):
            yield f"{step}: {sentence}"


def limits_identified(record: RunRecord) -> dict[str, str]:
    """For each step whose refusals one limit explains: that limit in words."""
    return {each.step: described(found[0]) for each in limits_by_step(record) if len(found := _likely(each)) == 1}


def _title(limit: StepLimit) -> str:
    if limit.status is None:
        return f"{limit.step}: none of {limit.requests} requests was refused, but they had to wait"
    requests = limit.requests + limit.unclear
    return f"{limit.step}: {limit.refused} of {requests} requests were refused with {limit.status}"


def _answer(limit: StepLimit) -> str:
    if not limit.hypotheses:
        known = "no single limit of a known kind explains all decisions" if limit.ruled_out else "too few refusals"
        return f"Cannot tell which limit it was: {known}."
    likely = _likely(limit)
    assumed = _assumed(limit, likely)
    if len(likely) == 1:
        return f"{_capital(described(likely[0]))}.{assumed}"
    kinds = list(dict.fromkeys(each.kind for each in likely))
    each_kind = list(map(described, likely[:MOST_DESCRIBED]))
    if left := [kind for kind in kinds if kind not in {each.kind for each in likely[:MOST_DESCRIBED]}]:
        each_kind.append(f"a {' or a '.join(left)}")
    either = "which of these" if len(kinds) > 1 else f"how large it is. A {kinds[0]}, but which of these"
    return f"{_certain(limit, likely)}Cannot tell {either}: {'; or '.join(each_kind)}.{assumed}"


def _likely(limit: StepLimit) -> list[Explanation]:
    return [each for each in limit.hypotheses if each.likely]


def _certain(limit: StepLimit, likely: Sequence[Explanation]) -> str:
    """What holds for all of the hypotheses; empty if that is nothing."""
    admitted = limit.requests - limit.refused + limit.unclear  # at most
    size = total_size(likely, admitted)
    passed = f"{size} pass at once, whatever the kind" if size else ""
    unknown = "this run cannot show the rate" if any(map(rate_is_unknown, likely)) else ""
    if unknown and not passed:
        passed = f"at most {admitted} passed at once"
    sure = "; ".join(filter(None, (passed, unknown)))
    return f"{_capital(sure)}. " if sure else ""


def _assumed(limit: StepLimit, likely: Sequence[Explanation]) -> str:
    """What the bounds allow for, once for all hypotheses."""
    share = max(each.foreign_share for each in likely)
    if not share:
        return ""
    others = "other clients"
    if limit.unclear:
        others += " and by attempts that were neither admitted nor refused by it"
    return f" The bounds allow for {share:.0%} of the limit used by {others}."


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _exclusions(ruled_out: Sequence[Excluded]) -> list[str]:
    """A sentence for each reason, with all kinds that it rules out."""
    kinds: dict[str, list[str]] = {}
    for each in ruled_out:
        kinds.setdefault(_reason(each), []).append(f"a {each.kind}")
    return [f"Not {' or '.join(names)}: {reason}." for reason, names in kinds.items()]


def _reason(excluded: Excluded) -> str:
    if excluded.different or excluded.least is None or excluded.most is None:
        return f"it would have decided at least {excluded.different} requests differently"
    least, most = amount(excluded.least), amount(excluded.most)
    if excluded.kind == Kind.CAP:
        open_then = amount(excluded.least - 1)
        return f"a request was refused while at most {most} were open, and one admitted while {open_then} were"
    between = ""
    if excluded.admitted_from_s is not None and excluded.admitted_until_s is not None:
        between = f" between {_instant(excluded.admitted_from_s)} and {_instant(excluded.admitted_until_s)}"
    refusal = "" if excluded.refused_s is None else f" at {_instant(excluded.refused_s)}"
    return f"the admissions{between} need a size of {least} or more, but the refusal{refusal} one of {most} or less"


def _instant(instant_s: float) -> str:
    return f"{instant_s:.3f} s"


def _notes(limit: StepLimit, record: RunRecord) -> Sequence[str]:
    notes = [_key(record)] if limit.hypotheses else []
    for each in limit.hypotheses:
        if not each.likely:
            notes.append(
                f"Unlikely: {described(each)}: at best, it would have decided {each.different} requests differently."
            )
    if limit.told:
        notes += _told(limit.told)
    if limit.unclear:
        neither = f"were neither admitted nor refused by a limit{_other_outcomes(limit, record)}"
        notes.append(f"{limit.unclear} more attempts {neither}: they may have used part of it.")
    if limit.until_s is not None:
        notes.append(f"Only the attempts of the first {limit.until_s:.1f} s were used: later ones are a sample.")
    if limit.experiment and sum(each.likely for each in limit.hypotheses) > 1:
        notes.append(f"To tell them apart: {limit.experiment}. locust-softphone probe does that.")
    return notes


def _other_outcomes(limit: StepLimit, record: RunRecord) -> str:
    """`` (38 refused with 409)``: how those attempts ended, where the record has the step."""
    if limit.step not in record.steps:
        return ""
    step = record.steps[limit.step]
    causes = causes_of_step(step.outcomes, step.statuses, step.causes)
    decided = (*STATUSES, "not sent", "not made")
    texts = [f"{each.count} {each.text}" for each in causes if not any(word in each.text for word in decided)]
    return f" ({', '.join(texts)})" if texts else ""


def _key(record: RunRecord) -> str:
    """What the limit may count by, as far as the run distinguishes it. Workers can have several addresses."""
    several = record.source_addresses > 1
    shared = record.profile["softphone"].get("token") == "shared"
    one = [
        "organisation",
        "OAuth client",
        *([] if record.workers or several else ["source address"]),
        *(["token"] if shared else []),
    ]
    keys = f"Counted over all softphones, by {', '.join(one[:-1])} or {one[-1]}: there was one of each."
    return f"{keys} There were {record.source_addresses} source addresses." if several else keys


def _told(told: Advised) -> list[str]:
    waits = duration(told.least_s) if told.least_s == told.most_s else f"{told.least_s:g} to {told.most_s:g} s"
    notes = [f"{told.refusals} refusals said when to retry, after {waits}."]
    if told.heeded:
        again = f"{told.heeded_refused} were refused again" if told.heeded_refused else "none was refused again"
        notes.append(f"Of {told.heeded} who came back when told or later, {again}.")
    if told.early:
        notes.append(f"Of {told.early} who came back earlier, {told.early_admitted} were admitted.")
    return notes
