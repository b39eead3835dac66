"""A response of 300 or more as a failed attempt, with its Retry-After.

Retry-After: 18000;duration=3600               RFC 3261 20.33: seconds, with how long the callee will be there
Retry-After: 120 (I'm in a meeting)            or with a comment
480, 486, 503 with one                         the same advice as a Retry-After of HTTP
"""

from __future__ import annotations

import re

from locust_softphone.errors import AttemptFailed
from locust_softphone.limits.advice import NO_ADVICE, LimitAdvice
from locust_softphone.metrics.outcome import Outcome, outcome_of_status
from locust_softphone.sip_text import SipMessage

__all__ = ["advice_of", "refusal_of"]

_RETRY_AFTER = re.compile(r"([0-9]{1,10})[ \t]*(?:\([^()]*\)[ \t]*)?(?:;.*)?", re.ASCII)
_GLOBAL = 600  # the class of final failures of the callee, RFC 3261 21.6


def refusal_of(response: SipMessage) -> AttemptFailed:
    """The failed attempt that a final response other than a success stands for."""
    status = response.status
    if status == 407:  # 401 of a proxy, RFC 3261 21.4.8
        outcome = Outcome.UNAUTHORIZED
    elif status >= _GLOBAL or status == 429:
        outcome = Outcome.REJECTED
    else:
        outcome = outcome_of_status(status)
    return AttemptFailed(outcome, status=status, advice=advice_of(response), protocol="SIP")


def advice_of(response: SipMessage) -> LimitAdvice:
    """When to ask again, as the response says it."""
    written = response.headers.get("retry-after")
    found = _RETRY_AFTER.fullmatch(written[0]) if written else None
    return LimitAdvice(float(found[1])) if found else NO_ADVICE
