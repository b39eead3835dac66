"""One limit for each key: "50/s per organisation" is a limit of its own for each organisation.

Memory is bounded: when there are too many keys, the least recently used one is forgotten. Its limit starts
anew, so a forgotten cap no longer counts its open sessions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

from locust_softphone.limits.decision import require

__all__ = ["KeyParts", "KeyedLimit"]

MOST_KEYS = 100_000

L = TypeVar("L")


class KeyParts(NamedTuple):
    """The properties of a request that a limit can count by."""

    organisation: str = ""
    client: str = ""
    token: str = ""
    user: str = ""
    address: str = ""


class KeyedLimit(Generic[L]):
    """One limit for each key.

    Args:
        make: makes the limit of a new key.
        key: names of the parts that form the key; without any, all requests share one limit.
        most_keys: how many keys are remembered.

    Raises:
        ValueError: an unknown part, or ``most_keys`` below 1.
    """

    def __init__(self, make: Callable[[], L], key: tuple[str, ...] = (), most_keys: int = MOST_KEYS) -> None:
        if unknown := set(key) - set(KeyParts._fields):
            raise ValueError(f"a key consists of {', '.join(KeyParts._fields)}, not of {', '.join(sorted(unknown))}")
        require("the number of keys", most_keys, 1)
        self.key = key
        self._positions = [KeyParts._fields.index(name) for name in key]
        self._make = make
        self._most_keys = most_keys
        self._limits: dict[tuple[str, ...], L] = {}  # the most recently used one is the last

    def __len__(self) -> int:
        """The number of remembered keys."""
        return len(self._limits)

    def of(self, parts: KeyParts) -> L:
        """The limit of all requests with this key."""
        key = tuple([parts[position] for position in self._positions])
        limit = self._limits.pop(key, None)
        if limit is None:
            limit = self._make()
        self._limits[key] = limit
        if len(self._limits) > self._most_keys:
            del self._limits[next(iter(self._limits))]
        return limit
