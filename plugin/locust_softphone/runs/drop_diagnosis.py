"""Why the edge ended open sessions, as far as their begins and ends show it.

    together    most ended at the same instant                               a node failed, or all were dropped
    lifetime    each ended after the same time                               a deadline or an idle time-out
    evicted     the oldest ended whenever one more was admitted              a cap that drops the oldest
    crowded     those that began while n or more were open, and no others    a cap that accepts, and then cuts
    no call     those without an answered call, and no others                a deadline for the offer

Each is a statement on all drops but a few; several can hold.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from locust_softphone.metrics.observed_attempts import OWN, SESSIONS, Observations
from locust_softphone.metrics.outcome import Outcome

__all__ = ["FEWEST_DROPS", "drops_of"]

FEWEST_DROPS = 5
"""Fewer drops than these show nothing."""

MOST = 0.95
"""A statement must hold for this share of the drops."""

TOGETHER_S = 1.0
SAME_TIME = 0.15
"""Lifetimes are the same if 90 % of them are within this share of the median."""

OLDEST = 0.02
"""The oldest sessions: this share of those that are open, and three more, since admissions overlap."""

EVICTED_WITHIN_S = 0.5
SPREAD = 0.1
"""The number of open sessions at evictions may vary by this share."""


class _Session(NamedTuple):
    began_s: float
    ended_s: float
    dropped: bool
    had_call: bool


class _Explanation(NamedTuple):
    kind: str
    low: float
    high: float


def drops_of(observed: Mapping[str, Observations]) -> dict[str, Any] | None:
    """What explains the sessions that the edge ended, as the record has it; None if it ended none."""
    if SESSIONS not in observed or not {*observed[SESSIONS].answers} - {OWN}:
        return None
    sessions = list(_sessions(observed))
    drops = [each for each in sessions if each.dropped]
    if not drops:
        return None
    found = [each for each in _explanations(sessions, drops) if each] if len(drops) >= FEWEST_DROPS else []
    return {
        "sessions": len(sessions),
        "dropped": len(drops),
        "first_s": min(each.ended_s for each in drops),
        "last_s": max(each.ended_s for each in drops),
        "explanations": [{"kind": each.kind, "bounds": {"low": each.low, "high": each.high}} for each in found],
    }


def _sessions(observed: Mapping[str, Observations]) -> Iterator[_Session]:
    answered_s: dict[int, list[float]] = {}
    for offer in observed["offer"].exact() if "offer" in observed else ():
        if offer.answer == Outcome.OK:
            answered_s.setdefault(offer.softphone, []).append(offer.ended_s)
    for each in observed[SESSIONS].exact():
        had_call = any(each.began_s <= at_s <= each.ended_s for at_s in answered_s.get(each.softphone, ()))
        yield _Session(each.began_s, each.ended_s, each.answer != OWN, had_call)


def _explanations(sessions: Sequence[_Session], drops: Sequence[_Session]) -> Iterator[_Explanation | None]:
    together = _together(drops)
    yield together
    if not together:  # otherwise these hold by chance, or because of it
        yield _lifetime(drops)
        yield _evicted(sessions, drops)
        yield _crowded(sessions)
    if not together or any(not each.dropped and each.ended_s > together.high for each in sessions):
        yield _without_call(sessions)


def _together(drops: Sequence[_Session]) -> _Explanation | None:
    """Most ended within a second."""
    ends = sorted(each.ended_s for each in drops)
    for number, end in enumerate(ends):
        last = bisect_right(ends, end + TOGETHER_S) - 1
        if last - number + 1 >= MOST * len(ends):
            return _Explanation("together", end, ends[last])
    return None


def _lifetime(drops: Sequence[_Session]) -> _Explanation | None:
    """Each ended after the same time."""
    lasted = sorted(each.ended_s - each.began_s for each in drops)
    low, median, high = (lasted[int(share * (len(lasted) - 1))] for share in (0.05, 0.5, 0.95))
    return _Explanation("lifetime", low, high) if high - low <= SAME_TIME * median else None


def _evicted(sessions: Sequence[_Session], drops: Sequence[_Session]) -> _Explanation | None:
    """The oldest ended, when another one had just begun, with always the same number open."""
    begins = sorted(each.began_s for each in sessions)
    opened: list[tuple[float, float]] = []
    counts = []
    events = sorted([*((each.began_s, 0, each) for each in sessions), *((each.ended_s, 1, each) for each in sessions)])
    for now_s, ended, session in events:
        entry = (session.began_s, session.ended_s)
        if not ended:
            insort(opened, entry)
            continue
        rank = bisect_left(opened, entry)
        if session.dropped and rank <= 3 + OLDEST * len(opened):
            newest = bisect_left(begins, now_s - EVICTED_WITHIN_S)
            if newest < len(begins) and begins[newest] <= now_s + EVICTED_WITHIN_S:
                counts.append(len(opened))
        opened.pop(rank)
    if len(counts) < MOST * len(drops):
        return None
    counts.sort()
    low, high = counts[len(counts) // 20], counts[len(counts) * 19 // 20]
    return _Explanation("evicted", low - 1, high) if high - low <= max(3, SPREAD * high) else None


def _crowded(sessions: Sequence[_Session]) -> _Explanation | None:
    """Those ended that had begun while at least n were open, and no others."""
    begins, ends = sorted(each.began_s for each in sessions), sorted(each.ended_s for each in sessions)

    def already_open(session: _Session) -> int:
        return bisect_left(begins, session.began_s) - bisect_right(ends, session.began_s)

    kept = sorted(already_open(each) for each in sessions if not each.dropped)
    dropped = sorted(already_open(each) for each in sessions if each.dropped)
    if not kept or dropped[0] < 1 or kept[-1] > dropped[0] + max(2, SPREAD * dropped[0]):
        return None
    return _Explanation("crowded", min(kept[-1], dropped[0]), max(kept[-1] + 1, dropped[0]))


def _without_call(sessions: Sequence[_Session]) -> _Explanation | None:
    """Those ended that had no answered call, and nearly no others.

    A session that ended by itself sooner than drops come does not show whether it would have been dropped.
    """
    lasted = sorted(each.ended_s - each.began_s for each in sessions if each.dropped)
    sooner_s = lasted[len(lasted) // 20]
    without = [
        each.dropped
        for each in sessions
        if not each.had_call and (each.dropped or each.ended_s - each.began_s >= sooner_s)
    ]
    explained = sum(without) >= MOST * max(len(without), len(lasted))
    return _Explanation("no call", len(without), len(without)) if explained else None
