"""The outcomes of an attempt: every attempt has exactly one, so that reports and the ledger add up.

The ledger needs two facts about an outcome: whether the edge answered (``answered``), and whether the request cannot
have reached it (``never_arrived``).
"""

from __future__ import annotations

from enum import StrEnum

__all__ = ["ABNORMAL_CAUSES", "Outcome", "abnormal_cause", "outcome_of_status"]


class Outcome(StrEnum):
    """How an attempt ended. The value is its name in run records, reports and Locust's failure table."""

    OK = "ok"

    # The edge answered, with a refusal.
    RATE_LIMITED = "rate_limited"  # 429
    UNAUTHORIZED = "unauthorized"  # 401, 403
    REJECTED = "rejected"  # any other 4xx
    REDIRECTED = "redirected"  # 3xx: never followed, a Bearer must not travel
    UNAVAILABLE = "unavailable"  # 503
    SERVER_ERROR = "server_error"  # any other 5xx
    PROXY_ERROR = "proxy_error"  # 502, 504: a proxy answered instead of the edge

    # The edge's answer breaks the protocol.
    MALFORMED = "malformed"  # not HTTP, a wrong Sec-WebSocket-Accept, a frame that RFC 6455 forbids
    BAD_ANSWER = "bad_answer"  # an SDP answer that does not answer the offer (RFC 3264 6)

    # The connection ended during the attempt.
    CLOSED = "closed"  # a close frame, with its code
    LOST = "lost"  # FIN without a close frame
    RESET = "reset"  # RST, or a write to a connection already gone
    TIMED_OUT = "timed_out"  # connected, but no answer in time
    CANCELLED = "cancelled"  # the run ended first

    # There was no connection.
    CONNECT_REFUSED = "connect_refused"
    CONNECT_TIMEOUT = "connect_timeout"
    UNREACHABLE = "unreachable"  # no route, no free local port or descriptor
    UNRESOLVED = "unresolved"  # DNS
    TLS_FAILED = "tls_failed"

    # The attempt was not made.
    OVER_BUDGET = "over_budget"  # the retry budget was spent; not counted as an attempt

    @property
    def answered(self) -> bool:
        """Whether the edge's answer was read, so that both sides must have counted the same."""
        return self not in UNANSWERED and not self.never_arrived

    @property
    def never_arrived(self) -> bool:
        """Whether it is certain that no request was sent."""
        return self in NEVER_ARRIVED


UNANSWERED = frozenset({Outcome.CLOSED, Outcome.LOST, Outcome.RESET, Outcome.TIMED_OUT, Outcome.CANCELLED})
NEVER_ARRIVED = frozenset(
    {
        Outcome.CONNECT_REFUSED,
        Outcome.CONNECT_TIMEOUT,
        Outcome.UNREACHABLE,
        Outcome.UNRESOLVED,
        Outcome.TLS_FAILED,
        Outcome.OVER_BUDGET,
    }
)


def outcome_of_status(status: int) -> Outcome:
    """The outcome of an attempt that was answered with this HTTP status, not a success (RFC 9110 15, RFC 6585 4)."""
    if status == 429:
        return Outcome.RATE_LIMITED
    if status in (401, 403):
        return Outcome.UNAUTHORIZED
    if status in (502, 504):
        return Outcome.PROXY_ERROR
    if status == 503:
        return Outcome.UNAVAILABLE
    if status >= 500:
        return Outcome.SERVER_ERROR
    if 300 <= status < 400:
        return Outcome.REDIRECTED
    if 400 <= status < 500:
        return Outcome.REJECTED
    return Outcome.MALFORMED


def abnormal_cause(outcome: Outcome) -> str:
    """The cause of a close with code 1006, as it is counted.

    A browser reports 1006 both for a refused upgrade and for a lost connection (RFC 6455 7.1.5).
    """
    return _CAUSES.get(outcome, "refused")


_CAUSES = {
    Outcome.RESET: "reset",
    Outcome.LOST: "lost",
    Outcome.PROXY_ERROR: "proxy",
    Outcome.TIMED_OUT: "timed_out",
    Outcome.CONNECT_TIMEOUT: "timed_out",
    Outcome.MALFORMED: "malformed",
}

ABNORMAL_CAUSES = ("refused", "reset", "lost", "proxy", "timed_out", "malformed")
"""All causes that ``abnormal_cause`` returns."""
