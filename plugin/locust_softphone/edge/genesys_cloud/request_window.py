"""So many requests with one token, counted in windows of time.

    request    1 … count    ►  in          inin-ratelimit-count: 1 … count
    request    count + 1 …  ►  429         Retry-After: what is left of the window
    window     begins with the first request after the last one was over

The headers are those of a trace in the official SDK logging blog post of 2021 (count 1, allowed 180, reset 61), which
were on ordinary answers. That a fixed window is counted is inferred from them: a reset in seconds is what it has.
"""

from __future__ import annotations

from math import inf

from locust_softphone.edge.genesys_cloud.wire_policy import Quota
from locust_softphone.edge.step_limit import whole_seconds

__all__ = ["RequestWindow"]


class RequestWindow:
    """The requests made with one token. ``now`` is in seconds of a clock that only goes forward."""

    __slots__ = ("_began", "_count", "_quota")

    def __init__(self, quota: Quota) -> None:
        self._quota = quota
        self._began = -inf
        self._count = 0

    def admit(self, now: float) -> float:
        """0.0 for a request within the quota, else the seconds after which to come back."""
        if now - self._began >= self._quota.per_s:
            self._began, self._count = now, 0
        if self._count >= self._quota.count:
            return self._began + self._quota.per_s - now
        self._count += 1
        return 0.0

    def headers(self, now: float) -> dict[str, str]:
        """The ``inin-ratelimit-*`` headers: requests counted, allowed, and whole seconds until the next window."""
        return {
            "inin-ratelimit-count": str(self._count),
            "inin-ratelimit-allowed": str(self._quota.count),
            "inin-ratelimit-reset": str(whole_seconds(max(0.0, self._began + self._quota.per_s - now))),
        }
