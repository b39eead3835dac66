"""What a response says about when to ask again: Retry-After and the rate-limit headers, in seconds.

    Retry-After: 7                              7 s                                  RFC 9110 10.2.3, delta-seconds
    Retry-After: Tue, 14 Nov 2023 22:13:27 GMT  from the response's Date until then  RFC 9110 10.2.3, HTTP-date
    X-RateLimit-Remaining: 0
    X-RateLimit-Reset: 7                        nothing is left for 7 s              no standard, but widespread
    X-RateLimit-Reset: 1700000007               until then, from the response's Date: the epoch in seconds
    X-RateLimit-Reset: 1700000007000            the same, in milliseconds
    inin-ratelimit-count: 300
    inin-ratelimit-allowed: 300
    inin-ratelimit-reset: 7                     nothing is left for 7 s              Genesys Cloud
    RateLimit: "default";r=0;t=7                nothing is left for 7 s              draft-ietf-httpapi-ratelimit

The forms of a reset are told apart by size: below 10^9 (31 years) it is a number of seconds, below 10^11 an epoch in
seconds, below 10^14 an epoch in milliseconds. ``reset_read_as`` says what was assumed. ``X-Rate-Limit-*`` and the
``RateLimit-Reset`` of older drafts are read like ``X-RateLimit-*``.

Of several values, such as a proxy's and a server's, the longest counts. The headers are parsed once, where a response
is read. From there on the advice is a number of seconds that begins when the response was read, so nothing else needs
the wall clock or the headers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Literal, NamedTuple, get_args

__all__ = ["NO_ADVICE", "RESET_FORMS", "LimitAdvice", "ResetForm", "ToldLimit"]

ResetForm = Literal["seconds", "epoch_s", "epoch_ms", "inin_ratelimit", "ratelimit"]
RESET_FORMS: tuple[ResetForm, ...] = get_args(ResetForm)

_DELTA_SECONDS = re.compile(r"[0-9]{1,18}", re.ASCII)  # RFC 9110 10.2.3; longer numbers are not meant seriously
_RESET = re.compile(r"[0-9]{1,18}(\.[0-9]{1,9})?", re.ASCII)  # some write fractions
_COMMA = re.compile(r",(?! *\d\d[ -]\w)")  # not the one in an HTTP-date
# An item of a structured field (RFC 9651 3.3) and its parameters, loosely.
_POLICY = re.compile(
    r'(?:"[^"]{0,200}"|[^",;]{0,200})((?:;[^",;]{0,200})*)', re.ASCII
)  # an item of RFC 9651 3.3, loosely
_REMAINING = ("x-ratelimit-remaining", "x-rate-limit-remaining", "ratelimit-remaining")
_HEADERS = frozenset({"retry-after", "inin-ratelimit-count", "ratelimit", *_REMAINING})
_QUOTA = ("x-ratelimit-limit", "x-rate-limit-limit", "ratelimit-limit", "inin-ratelimit-allowed")
_EARLIEST_EPOCH_S, _EARLIEST_EPOCH_MS, _LATEST_EPOCH_MS = 1e9, 1e11, 1e14


class ToldLimit(NamedTuple):
    """How large a limit is, as one response says it: a hint, not the truth.

    Args:
        quota: requests, by ``RateLimit-Policy``, ``X-RateLimit-Limit`` or ``inin-ratelimit-allowed``.
        window_s: the seconds in which they are allowed, by ``RateLimit-Policy``; None where it is not said.
    """

    quota: int
    window_s: float | None = None


class LimitAdvice(NamedTuple):
    """When to ask again, as one response says it.

    Args:
        retry_after_s: seconds to wait by ``Retry-After``; 0 is valid; None where it is absent or cannot be parsed.
        reset_s: seconds until the limit resets, where the headers say that nothing is left; None otherwise.
        by_own_clock: whether an instant was read against this machine's clock, because the response had no ``Date``.
        reset_read_as: how ``reset_s`` was read; None without one.
        limit: how large the limit is, read only in responses that say when to ask again; None otherwise.
    """

    retry_after_s: float | None = None
    reset_s: float | None = None
    by_own_clock: bool = False
    reset_read_as: ResetForm | None = None
    limit: ToldLimit | None = None

    @classmethod
    def from_headers(cls, headers: Mapping[str, str], now_s: float) -> LimitAdvice:
        """Read the advice in a response's headers.

        Args:
            headers: with names in lower case, or a mapping that ignores case.
            now_s: seconds since the epoch, used where the response has no ``Date``.
        """
        if isinstance(headers, dict) and headers.keys().isdisjoint(_HEADERS):  # quick, but needs names in lower case
            return NO_ADVICE
        value = headers.get("retry-after")
        resets = list(_resets(headers))
        if value is None and not resets:
            return NO_ADVICE
        date = _COMMA.split(headers.get("date", ""))[0]
        waits = [_retry_after(each, date, now_s) for each in _COMMA.split(value or "")]
        wait_s, by_own_clock = max((each for each in waits if each[0] is not None), default=(None, False))
        read = [_until(number, form, date, now_s) for number, form in resets]
        reset_s, form, reset_by_own_clock = max(read, default=(None, None, False), key=lambda each: each[0])
        return cls(wait_s, reset_s, by_own_clock or reset_by_own_clock, form, _limit(headers))


NO_ADVICE = LimitAdvice()


def _resets(headers: Mapping[str, str]) -> Iterator[tuple[float, ResetForm]]:
    """The resets of limits of which nothing is left, as they are written."""
    for name in _REMAINING:
        remaining = headers.get(name)
        if remaining is not None and "0" in remaining.replace(" ", "").split(","):
            for text in headers.get(name.replace("-remaining", "-reset"), "").split(","):
                text = text.strip(" \t")  # OWS, RFC 9110 5.6.3: no other white space
                if _RESET.fullmatch(text) and float(text) < _LATEST_EPOCH_MS:
                    yield float(text), _form_of(float(text))
    count = headers.get("inin-ratelimit-count")
    if count is not None:
        used, allowed = _delta_seconds(count), _delta_seconds(headers.get("inin-ratelimit-allowed", ""))
        if used is not None and allowed is not None and used >= allowed:
            reset_s = _delta_seconds(headers.get("inin-ratelimit-reset", ""))
            if reset_s is not None:
                yield reset_s, "inin_ratelimit"
    policies = headers.get("ratelimit")
    if policies is not None:
        yield from ((reset_s, "ratelimit") for reset_s in _ietf_resets(policies))


def _limit(headers: Mapping[str, str]) -> ToldLimit | None:
    """The size of the limit: of several policies the first."""
    policy = _POLICY.match(headers.get("ratelimit-policy", ""))
    parameters = _parameters(policy[1]) if policy else {}
    quota = _delta_seconds(parameters.get("q", ""))
    if quota is not None:
        return ToldLimit(int(quota), _delta_seconds(parameters.get("w", "")))
    for name in _QUOTA:
        quota = _delta_seconds(headers.get(name, "").partition(",")[0].partition(";")[0])
        if quota is not None:
            return ToldLimit(int(quota))
    return None


def _parameters(text: str) -> dict[str, str]:
    return dict(part.strip().partition("=")[::2] for part in text.split(";"))


def _form_of(reset: float) -> ResetForm:
    if reset < _EARLIEST_EPOCH_S:
        return "seconds"
    return "epoch_s" if reset < _EARLIEST_EPOCH_MS else "epoch_ms"


def _ietf_resets(policies: str) -> Iterator[float]:
    """The ``t`` of each policy in a ``RateLimit`` header whose ``r`` is 0."""
    for found in _POLICY.finditer(policies):
        parameters = _parameters(found[1])
        reset_s = _delta_seconds(parameters.get("t", ""))
        if _delta_seconds(parameters.get("r", "")) == 0 and reset_s is not None:
            yield reset_s


def _until(reset: float, form: ResetForm, date: str, now_s: float) -> tuple[float, ResetForm, bool]:
    """The seconds until a reset, its form, and whether they were counted from ``now_s``."""
    if not form.startswith("epoch"):
        return reset, form, False
    sent_s = _http_date_s(date)
    until_s = reset if form == "epoch_s" else reset / 1000
    return max(until_s - (now_s if sent_s is None else sent_s), 0.0), form, sent_s is None


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
