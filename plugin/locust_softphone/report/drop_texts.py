"""What the sessions have in common that the edge ended, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from locust_softphone.runs.drop_diagnosis import FEWEST_DROPS
from locust_softphone.runs.limit_parts import DropExplanation
from locust_softphone.runs.record import RunRecord
from locust_softphone.text import duration

__all__ = ["drop_sentences"]


def drop_sentences(record: RunRecord) -> Iterator[str]:
    """How many sessions the edge ended and when, then what holds for nearly all of them; nothing if it ended none."""
    drops = record.drops
    if drops is None:
        return
    when = f"from {drops.first_s:.1f} s to {drops.last_s:.1f} s"
    yield f"{drops.dropped} of {drops.sessions} sessions were ended by the edge, {when}"
    for each in drops.explanations:
        yield _sentence(each)
    if len(drops.explanations) > 1:
        yield "each of these holds for nearly all of them: one may be the cause, or all together"
    if drops.dropped < FEWEST_DROPS:
        yield f"too few to tell why: fewer than {FEWEST_DROPS}"
    elif not drops.explanations:
        yield "cannot tell why: no time, age or number of open sessions holds for nearly all of them"


def _sentence(explanation: DropExplanation) -> str:
    low, high = explanation.bounds.low, explanation.bounds.high or explanation.bounds.low
    between = f"{low:.0f}" if low == high else f"{low:.0f} to {high:.0f}"
    match explanation.kind:
        case "together":
            return f"at the same time, {low:.1f} to {high:.1f} s: all were dropped at once, as when a node fails"
        case "lifetime":
            return f"each {duration(low)} to {duration(high)} after it had opened: a deadline or an idle time-out"
        case "evicted":
            return f"the oldest, when another one had opened, with {between} open: a cap that ends the oldest session"
        case "crowded":
            return f"only those that opened while about {between} or more were open: a cap that accepts, and then ends"
        case "no call":
            return "only those without an answered call: a deadline for the offer"
