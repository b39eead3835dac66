"""What the sessions have in common that the edge ended, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from locust_softphone.runs.drop_diagnosis import FEWEST_DROPS
from locust_softphone.runs.limit_parts import DropExplanation, Drops
from locust_softphone.runs.record import RunRecord
from locust_softphone.text import duration

__all__ = ["drop_causes", "drop_sentences"]

WHICH = ("crowded", "no call")
"""Explanations that say which sessions ended, and which did not."""

WHEN = ("together", "lifetime")

CAUSES = {
    "together": "all were dropped at once, as when a node fails",
    "lifetime": "a deadline or an idle time-out",
    "evicted": "a cap that ends the oldest session",
    "crowded": "a cap that accepts, and then ends",
    "no call": "a deadline for the offer",
}


def drop_sentences(record: RunRecord) -> Iterator[str]:
    """How many sessions the edge ended and when, then what holds for nearly all of them; nothing if it ended none."""
    drops = record.drops
    if drops is None:
        return
    when = f"from {drops.first_s:.1f} s to {drops.last_s:.1f} s"
    yield f"{drops.dropped} of {drops.sessions} sessions were ended by the edge, {when}"
    causes = drop_causes(drops)
    for each in sorted(drops.explanations, key=lambda each: each not in causes):
        yield _statement(each) + (f": {CAUSES[each.kind]}" if each in causes else "")
    if len(causes) > 1:
        yield "each of these holds for nearly all of them: one may be the cause, or all together"
    if drops.dropped < FEWEST_DROPS:
        yield f"too few to tell why: fewer than {FEWEST_DROPS}"
    elif not drops.explanations:
        yield "cannot tell why: no time, age or number of open sessions holds for nearly all of them"


def drop_causes(drops: Drops) -> list[DropExplanation]:
    """The explanations that may be the cause.

    If it is known which sessions ended, and others stayed open, the time is not the cause: it says when they ended.
    """
    which = [each for each in drops.explanations if each.kind in WHICH]
    return [each for each in drops.explanations if not which or each.kind not in WHEN]


def _statement(explanation: DropExplanation) -> str:
    low, high = explanation.bounds.low, explanation.bounds.high or explanation.bounds.low
    between = f"{low:.0f}" if low == high else f"{low:.0f} to {high:.0f}"
    match explanation.kind:
        case "together":
            return f"at the same time, {low:.1f} to {high:.1f} s"
        case "lifetime":
            least, most = duration(low), duration(high)
            return f"each {least if least == most else f'{least} to {most}'} after it had opened"
        case "evicted":
            return f"the oldest, when another one had opened, with {between} open"
        case "crowded":
            return f"only those that opened while about {between} or more were open"
        case "no call":
            return "only those without an answered call"
