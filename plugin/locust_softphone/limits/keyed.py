"""Limits per key, and several limits on one request.

    KeyedLimit    "50/s per organisation": one limit for each organisation
    LimitSet      "50/s per organisation, and 5/s per address": a request has to pass both
                      one refuses      ►  refused; only the limits that refuse count it
                      none refuses     ►  admitted; all limits count it

Memory is bounded: when there are too many keys, the least recently used one is forgotten. Its limit starts
anew, so a forgotten cap no longer counts its open sessions.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import NamedTuple

from locust_softphone.limits.decision import Decision, Limit, require

__all__ = ["KeyParts", "KeyedLimit", "LimitSet", "narrowest"]

MOST_KEYS = 100_000


class KeyParts(NamedTuple):
    """The properties of a request that a limit can count by."""

    organisation: str = ""
    client: str = ""
    token: str = ""
    user: str = ""
    address: str = ""


class KeyedLimit:
    """One limit for each key.

    Args:
        make: makes the limit of a new key.
        key: names of the parts that form the key; without any, all requests share one limit.
        most_keys: how many keys are remembered.

    Raises:
        ValueError: an unknown part, or ``most_keys`` below 1.
    """

    def __init__(self, make: Callable[[], Limit], key: tuple[str, ...] = (), most_keys: int = MOST_KEYS) -> None:
        if unknown := set(key) - set(KeyParts._fields):
            raise ValueError(f"a key consists of {', '.join(KeyParts._fields)}, not of {', '.join(sorted(unknown))}")
        require("the number of keys", most_keys, 1)
        self.key = key
        self._make = make
        self._most_keys = most_keys
        self._limits: dict[tuple[str, ...], Limit] = {}  # the most recently used one is the last

    def __len__(self) -> int:
        """The number of remembered keys."""
        return len(self._limits)

    def of(self, parts: KeyParts) -> Limit:
        """The limit of all requests with this key."""
        key = tuple(getattr(parts, name) for name in self.key)
        limit = self._limits.pop(key, None)
        if limit is None:
            limit = self._make()
        self._limits[key] = limit
        if len(self._limits) > self._most_keys:
            del self._limits[next(iter(self._limits))]
        return limit


class LimitSet:
    """Named limits; a request has to pass all of them."""

    def __init__(self, limits: Mapping[str, KeyedLimit]) -> None:
        self._limits = dict(limits)

    def peek(self, now: float, parts: KeyParts) -> Decision:
        """The decision about a request at ``now``. Nothing is counted."""
        return narrowest({name: keyed.of(parts).peek(now) for name, keyed in self._limits.items()})

    def admit(self, now: float, parts: KeyParts, session: Hashable = None) -> Decision:
        """Decide about a request, and count it."""
        limits = {name: keyed.of(parts) for name, keyed in self._limits.items()}
        refusing = {name: limit for name, limit in limits.items() if not limit.peek(now).admitted}
        return narrowest({name: limit.admit(now, session) for name, limit in (refusing or limits).items()})

    def release(self, now: float, parts: KeyParts, session: Hashable) -> None:
        """Free what ``session`` holds of each limit."""
        for keyed in self._limits.values():
            keyed.of(parts).release(now, session)


def narrowest(decisions: Mapping[str, Decision]) -> Decision:
    """The decisions of several limits about one request, as one decision.

    If any refuses, it is the refusal with the longest wait. Otherwise it is the admission that leaves the least, with
    the longest delay, the earliest cut and all evictions.

    Raises:
        ValueError: there are no decisions.
    """
    if not decisions:
        raise ValueError("there are no limits that could decide")
    refused = {name: decision for name, decision in decisions.items() if not decision.admitted}
    if refused:
        name = max(refused, key=lambda name: refused[name].wait_s)
        return refused[name]._replace(by=name)
    name = min(decisions, key=lambda name: (decisions[name].remaining, -decisions[name].wait_s))
    every = decisions.values()
    return decisions[name]._replace(
        by=name,
        delay_s=max(decision.delay_s for decision in every),
        cut_after_s=min(decision.cut_after_s for decision in every),
        evicted=tuple(session for decision in every for session in decision.evicted),
    )
