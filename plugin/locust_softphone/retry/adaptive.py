"""A client that adapts its rate to what is refused: the retry mode "adaptive" of the AWS SDKs.

    until the first 429    requests are only counted
    429                    rate = beta * measured rate, at most the rate so far;   w = that rate, before beta
    any other answer       rate = scale * (t - k)^3 + w           t: seconds since the last 429
                                                                  k = (w * (1 - beta) / scale)^(1/3)
    always                 rate <= 2 * measured rate, rate >= slowest

After a 429 the rate returns to the old one in k seconds, stays near it for a while, and then grows faster: the cubic
function of TCP CUBIC (RFC 9438). Requests take tokens from a bucket that is filled at this rate and holds those of one
second. Source: botocore, retries/throttling.py, retries/adaptive.py and retries/bucket.py.

Unlike there, requests that have to wait are served in the order in which they asked, so that none of them polls.
"""

from __future__ import annotations

from collections import defaultdict
from math import floor, inf

from locust_softphone.config.behaviour import Adaptive

__all__ = ["AdaptiveRate", "AdaptiveRates"]

RECHECK_S = 0.5
"""A waiting client asks again after this time at the latest, because the rate can change."""

INTERVALS_PER_S = 2  # of the measured rate
SMOOTHING = 0.8


class AdaptiveRate:
    """The rate of one kind of request. ``now`` is in seconds of any clock that does not run backwards."""

    def __init__(self, settings: Adaptive) -> None:
        self._settings = settings
        self._rate: float | None = None  # no 429 yet
        self._measured = _MeasuredRate()
        self._limited_at, self._limited_rate, self._return_s = -inf, 0.0, 0.0
        self._asked = 0
        self._tokens = 0.0  # given out so far, to those who have asked or will ask
        self._at = -inf

    @property
    def rate_per_s(self) -> float:
        """Requests per second that may be sent now; infinite before the first 429."""
        return inf if self._rate is None else self._rate

    def ask(self, now: float) -> int:
        """The number of a request that is to be sent, for ``wait_s``."""
        self._fill(now)
        self._asked += 1
        return self._asked

    def wait_s(self, number: int, now: float) -> float:
        """Seconds until the request may be sent, or may ask again; 0 if it may be sent."""
        if self._rate is None:
            return 0.0
        self._fill(now)
        missing = number - self._tokens
        return 0.0 if missing <= 1e-9 else min(missing / self._rate, RECHECK_S)

    def answered(self, now: float, *, limited: bool) -> None:
        """Note the end of an attempt; ``limited`` if it was answered with a 429."""
        settings = self._settings
        self._fill(now)
        measured = self._measured.count(now)
        if limited:
            if self._rate is None:
                self._tokens, self._at = float(self._asked), now
            self._limited_at, self._limited_rate = now, min(measured, self.rate_per_s)
            self._return_s = (self._limited_rate * (1 - settings.beta) / settings.scale) ** (1 / 3)
            rate = self._limited_rate * settings.beta
        elif self._rate is None:
            return
        else:
            rate = settings.scale * (now - self._limited_at - self._return_s) ** 3 + self._limited_rate
        self._rate = max(min(rate, 2 * measured), settings.slowest_per_s)
        self._spill()

    def _fill(self, now: float) -> None:
        """Give out the tokens since the last time."""
        if self._rate is not None and now > self._at:
            self._tokens += (now - self._at) * self._rate
            self._at = now
            self._spill()

    def _spill(self) -> None:
        """Keep the tokens of one second at most."""
        self._tokens = min(self._tokens, self._asked + max(self.rate_per_s, 1.0))


class AdaptiveRates:
    """The rates of all steps, of one softphone or of all softphones of a process."""

    def __init__(self, settings: Adaptive) -> None:
        self._rates: defaultdict[str, AdaptiveRate] = defaultdict(lambda: AdaptiveRate(settings))

    def of(self, step: str) -> AdaptiveRate:
        """The rate of a step."""
        return self._rates[step]


class _MeasuredRate:
    """Answers per second: half seconds, smoothed exponentially."""

    def __init__(self) -> None:
        self._count = 0
        self._interval: int | None = None
        self._rate = 0.0

    def count(self, now: float) -> float:
        """Count an answer; returns the rate up to the last whole interval."""
        interval = floor(now * INTERVALS_PER_S)
        self._count += 1
        if self._interval is None:
            self._interval = interval
        elif interval > self._interval:
            rate = self._count * INTERVALS_PER_S / (interval - self._interval)
            self._rate = rate * SMOOTHING + self._rate * (1 - SMOOTHING)
            self._count, self._interval = 0, interval
        return self._rate
