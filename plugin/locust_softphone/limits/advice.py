"""What a response says about when to ask again: Retry-After and the X-RateLimit headers, in seconds.

    Retry-After: 7                              7 s                                  RFC 9110 10.2.3, delta-seconds
    Retry-After: Tue, 14 Nov 2023 22:13:27 GMT  from the response's Date until then  RFC 9110 10.2.3, HTTP-date
    X-RateLimit-Remaining: 0
    X-RateLimit-Reset: 7                        nothing is left for 7 s              no standard, but widespread

Of several values, such as a proxy's and a server's, the longest counts. The headers are parsed once, where a response
is read. From there on the advice is a number of seconds that begins when the response was read, so nothing else needs
the wall clock or the headers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import NamedTuple

__all__ = ["NO_ADVICE", "LimitAdvice"]

_DELTA_SECONDS = re.compile(r"[0-9]{1,18}", re.ASCII)  # RFC 9110 10.2.3; longer numbers are not meant seriously
_COMMA = re.compile(r",(?! *\d\d[ -]\w)")  # not the one in an HTTP-date


class LimitAdvice(NamedTuple):
    """When to ask again, as one response says it.

    Args:
        retry_after_s: seconds to wait by ``Retry-After``; 0 is valid; None where it is absent or cannot be parsed.
        reset_s: seconds until the limit resets, where ``X-RateLimit-Remaining`` is 0; None where anything remains.
        by_own_clock: whether an HTTP-date was read against this machine's clock, because the response had no ``Date``.
    """

    retry_after_s: float | None = None
    reset_s: float | None = None
    by_own_clock: bool = False

    @classmethod
    def from_headers(cls, headers: Mapping[str, str], now_s: float) -> LimitAdvice:
        """Read the advice in a response's headers.

        Args:
            headers: with names in lower case, or a mapping that ignores case.
            now_s: seconds since the epoch, used where the response has no ``Date``.
        """
        value = headers.get("retry-after")
        nothing_left = "0" in headers.get("x-ratelimit-remaining", "").replace(" ", "").split(",")
        if value is None and not nothing_left:
            return NO_ADVICE
        resets = map(_delta_seconds, headers.get("x-ratelimit-reset", "").split(",") if nothing_left else [])
        reset_s = max((each for each in resets if each is not None), default=None)
        date = _COMMA.split(headers.get("date", ""))[0]
        waits = [_retry_after(each, date, now_s) for each in _COMMA.split(value or "")]
        wait_s, by_own_clock = max((each for each in waits if each[0] is not None), default=(None, False))
        return cls(wait_s, reset_s, by_own_clock)


NO_ADVICE = LimitAdvice()


def _retry_after(value: str, date: str, now_s: float) -> tuple[float | None, bool]:
    """The seconds that a ``Retry-After`` asks for, and whether they were counted from ``now_s``."""
    seconds = _delta_seconds(value)
    if seconds is not None:
        return seconds, False
    until_s, sent_s = _http_date_s(value.strip()), _http_date_s(date)
    if until_s is None:
        return None, False
    return max(until_s - (now_s if sent_s is None else sent_s), 0.0), sent_s is None


def _delta_seconds(text: str) -> float | None:
    text = text.strip()
    return float(text) if _DELTA_SECONDS.fullmatch(text) else None


def _http_date_s(text: str) -> float | None:
    """Seconds since the epoch of an HTTP-date in any of the three forms of RFC 9110 5.6.7, or None."""
    if len(text) > 64 or text[:1].isdigit():
        return None
    try:
        parsed = parsedate_to_datetime(text)
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
