"""What limits per window have in common: a quota, a length, and where windows begin."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from functools import partial
from math import inf

from locust_softphone.limits.decision import Limit, reached, require

__all__ = ["Window"]


class Window(Limit):
    """A limit of ``quota`` requests per window.

    Args:
        quota: requests admitted in a window.
        window_s: length of a window.
        aligned_to_s: any instant at which a window begins; None if a request begins one.

    Raises:
        ValueError: a quota below 1, or a window that is not above 0.
    """

    __slots__ = ("_began", "aligned_to_s", "quota", "window_s")

    def __init__(self, quota: int, window_s: float, aligned_to_s: float | None = None) -> None:
        require("the quota of a window", quota, 1)
        require("the length of a window", window_s, 0, above=True)
        self.quota = quota
        self.window_s = window_s
        self.aligned_to_s = aligned_to_s
        self._began = -inf

    def _first_after(self, instants: Sequence[float], place: int) -> int:
        """The place of the first instant after this place at which the current window is over."""
        ends_s = self._began + self.window_s
        return bisect_left(instants, True, place + 1, key=partial(reached, instant=ends_s))
