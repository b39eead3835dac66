"""What a limit decides about one request, and the interface that all models share.

    request   ►  admit(now)             ►  Decision: admitted or refused, how late, what is left, how long to wait
    its end   ►  release(now, session)     gives back what the session held; rates have nothing to give back

A model has no clock and does no I/O. ``now`` is in seconds of any clock that does not run backwards.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable
from math import floor, inf, ulp
from typing import NamedTuple

__all__ = ["Decision", "Limit", "periods", "reached", "require"]


class Decision(NamedTuple):
    """What a limit decides about one request.

    Args:
        admitted: whether the request passes.
        quota: how many requests the limit admits at once when nothing has been used.
        remaining: how many more it would admit at this instant, this request counted.
        wait_s: until another request would be admitted if nobody else asked: 0.0 while ``remaining`` is above 0,
            and infinite where only the end of a session frees something.
        reset_s: until the whole quota is there again, if nobody asks; infinite as ``wait_s`` is.
        delay_s: how long the answer is held back: a request that queues, or a refusal after a wait.
        cut_after_s: for an admitted session that will be cut: how long after its admission.
        evicted: the older sessions that are ended to make room for this one.
        by: the name of the limit that decided, where there are several.
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
    """A limit of any kind: of how often something may happen, or of how much may go on at once."""

    __slots__ = ()

    @abstractmethod
    def peek(self, now: float) -> Decision:
        """What a request would be told now. Nothing is counted."""

    @abstractmethod
    def admit(self, now: float, session: Hashable = None) -> Decision:
        """Decide about a request, and count what it costs.

        Args:
            now: the instant of the request.
            session: names what the request opens, for ``release`` and ``Decision.evicted``.
        """

    def release(self, now: float, session: Hashable) -> None:  # noqa: B027 - a rate has nothing to give back
        """Give back what ``session`` holds. A session that holds nothing is ignored."""


def reached(now: float, instant: float) -> bool:
    """Whether ``instant`` is over, up to the last digits of a float: a client that waits as told must be admitted."""
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
