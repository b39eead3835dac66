"""What a limit decides about one request, and the interface that all models share.

    request             ►  admit(now, session)    ►  Decision: admitted or refused, delay, what is left, wait
    end of the session  ►  release(now, session)     frees what the session held; only caps hold something

A model has no clock and does no I/O. ``now`` is in seconds of any clock that does not run backwards.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence
from math import floor, inf, ulp
from typing import NamedTuple

__all__ = ["Decision", "Limit", "periods", "reached", "require"]


class Decision(NamedTuple):
    """What a limit decides about one request.

    Args:
        admitted: whether the request passes.
        quota: how many requests the limit admits at once when nothing has been used.
        remaining: how many more it would admit at the same instant, after this request.
        wait_s: seconds until another request would be admitted if nobody else asked: 0.0 while ``remaining`` is above
            0, infinite where only the end of a session makes room.
        reset_s: seconds until the whole quota is available again, if nobody asks; infinite in the same cases.
        delay_s: seconds by which a queue delays the answer.
        cut_after_s: seconds from admission until the session is cut; infinite if it is not.
        evicted: the older sessions that are ended to make room for this one.
        by: the name of the limit that decided, if there are several.
    """

    admitted: bool
    quota: int
    remaining: int
    wait_s: float
    reset_s: float
    delay_s: float = 0.0
    cut_after_s: float = inf
    evicted: tuple[Hashable, ...] = ()
    by: str = ""


class Limit(ABC):
    """A limit of any kind: on requests per time, or on how much may go on at once."""

    __slots__ = ()

    @abstractmethod
    def peek(self, now: float) -> Decision:
        """The decision about a request at ``now``. Nothing is counted."""

    @abstractmethod
    def admit(self, now: float, session: Hashable = None) -> Decision:
        """Decide about a request, and count it.

        Args:
            now: the instant of the request.
            session: the name of what the request opens, for ``release`` and ``Decision.evicted``.
        """

    def count_admitted(self, instants: Sequence[float]) -> int:
        """Decide about a request at each of these instants, which are in order: how many are admitted.

        The decisions are those of ``admit``. Without what else a ``Decision`` says, most models need far less time.
        """
        return sum(self.admit(now).admitted for now in instants)

    def release(self, now: float, session: Hashable) -> None:  # noqa: B027 - a rate holds nothing
        """Free what ``session`` holds. A session that holds nothing is ignored."""


def reached(now: float, instant: float) -> bool:
    """Whether ``now`` is at ``instant`` or later.

    The last digits of a float are ignored: a client that waits as long as it was asked to must be admitted.
    """
    return now >= instant - 1e-9 - 4 * ulp(now)


def periods(now: float, since: float, length_s: float) -> int:
    """How many whole periods of this length are over since an instant, up to the last digits of a float."""
    over = floor((now - since) / length_s)
    return over + 1 if reached(now, since + (over + 1) * length_s) else over


def require(what: str, value: float, least: float, *, above: bool = False) -> None:
    """Check a parameter of a model.

    Raises:
        ValueError: ``value`` is not finite, or is below ``least`` (or at it, if it must be above).
    """
    if not (least < value < inf or (not above and value == least)):
        raise ValueError(f"{what} must be {'above' if above else 'at least'} {least:g}")
