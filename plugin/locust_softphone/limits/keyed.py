"""Limits per key, and several limits in a row: the narrowest decides.

    "per organisation: 50/s", "per address: 5/s"          one model for each organisation, and one for each address
    request ──► all are asked ──► one refuses: refused, and only those that refuse count it
                             └──► none refuses: admitted, and all count it

Memory is bounded: where there are too many keys, the one that has not been used for the longest is forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping
from math import inf
from typing import NamedTuple, Self

from locust_softphone.limits.decision import Decision, Limit, require

__all__ = ["Caller", "KeyedLimit", "LimitRow", "narrowest"]

MOST_KEYS = 100_000


class Caller(NamedTuple):
    """Who sends a request, in all the ways that a limit can count by."""

    organisation: str = ""
    client: str = ""
    token: str = ""
    user: str = ""
    address: str = ""

    def key(self, parts: Collection[str]) -> tuple[str, ...]:
        """The values of these parts.

        Raises:
            AttributeError: a part that a caller does not have.
        """
        return tuple(getattr(self, part) for part in parts)


class KeyedLimit:
    """One limit for each key.

    Args:
        make: makes the limit of a new key.
        key: the parts of a caller that together are its key; none: all callers share one limit.
        most_keys: how many are remembered.

    Raises:
        ValueError: a part that a caller does not have, or room for less than one key.
    """

    def __init__(self, make: Callable[[], Limit], key: tuple[str, ...] = (), most_keys: int = MOST_KEYS) -> None:
        if unknown := set(key) - set(Caller._fields):
            raise ValueError(f"a key is made of {', '.join(Caller._fields)}, not of {', '.join(sorted(unknown))}")
        require("the number of keys", most_keys, 1)
        self.key = key
        self._make = make
        self._most_keys = most_keys
        self._limits: dict[tuple[str, ...], Limit] = {}  # the one used last at the end

    def __len__(self) -> int:
        """How many keys are remembered."""
        return len(self._limits)

    def of(self, caller: Caller) -> Limit:
        """The limit that this caller shares with all who have its key."""
        key = caller.key(self.key)
        limit = self._limits.pop(key, None)
        if limit is None:
            limit = self._make()
        self._limits[key] = limit
        if len(self._limits) > self._most_keys:
            del self._limits[next(iter(self._limits))]
        return limit


class LimitRow:
    """Limits that a request has to pass all at once, by name."""

    def __init__(self, limits: Mapping[str, KeyedLimit]) -> None:
        self._limits = dict(limits)

    @classmethod
    def of_one(cls, limit: Limit, name: str = "") -> Self:
        """A row with one limit that all callers share."""
        return cls({name: KeyedLimit(lambda: limit)})

    def peek(self, now: float, caller: Caller) -> Decision:
        """What the caller would be told now."""
        return narrowest({name: keyed.of(caller).peek(now) for name, keyed in self._limits.items()})

    def admit(self, now: float, caller: Caller, session: Hashable = None) -> Decision:
        """Decide about a request of this caller, and count what it costs."""
        limits = {name: keyed.of(caller) for name, keyed in self._limits.items()}
        refusing = {name: limit for name, limit in limits.items() if not limit.peek(now).admitted}
        return narrowest({name: limit.admit(now, session) for name, limit in (refusing or limits).items()})

    def release(self, now: float, caller: Caller, session: Hashable) -> None:
        """Give back what ``session`` holds of each limit."""
        for keyed in self._limits.values():
            keyed.of(caller).release(now, session)


def narrowest(decisions: Mapping[str, Decision]) -> Decision:
    """The decision that a request meets which all these limits decide about.

    Of several refusals it is the one that lasts longest; of admissions, the one that leaves least, with the longest
    delay, the earliest cut and the evictions of all.

    Raises:
        ValueError: there is no limit.
    """
    if not decisions:
        raise ValueError("there is no limit to decide")
    refused = {name: decision for name, decision in decisions.items() if not decision.admitted}
    if refused:
        name = max(refused, key=lambda name: refused[name].wait_s)
        return refused[name]._replace(by=name)
    name = min(decisions, key=lambda name: (decisions[name].remaining, -decisions[name].wait_s))
    every = decisions.values()
    return decisions[name]._replace(
        by=name,
        delay_s=max(decision.delay_s for decision in every),
        cut_after_s=min((decision.cut_after_s for decision in every), default=inf),
        evicted=tuple(session for decision in every for session in decision.evicted),
    )
