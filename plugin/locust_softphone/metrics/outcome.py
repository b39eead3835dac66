"""How an attempt can end: a closed set, so that every report and every ledger adds up.

An outcome says what happened on the wire. Two questions follow from it alone, and the ledger rests on them: did the
edge answer (``answered``), and can the request have reached it at all (``never_arrived``)?
"""

from __future__ import annotations

from enum import StrEnum

__all__ = ["ABNORMAL_CAUSES", "Outcome", "abnormal_cause", "outcome_of_status"]


class Outcome(StrEnum):
    """One way an attempt ends. The value is the name used in run records, reports and Locust's failure table."""

    OK = "ok"

    # The edge answered, with a refusal.
    RATE_LIMITED = "rate_limited"  # 429
    UNAUTHORIZED = "unauthorized"  # 401, 403
    REJECTED = "rejected"  # any other 4xx
    REDIRECTED = "redirected"  # 3xx: never followed, a Bearer must not travel
    UNAVAILABLE = "unavailable"  # 503
    SERVER_ERROR = "server_error"  # any other 5xx
    PROXY_ERROR = "proxy_error"  # 502, 504: something before the edge answered in its place

    # The edge answered something that the protocol does not allow.
    MALFORMED = "malformed"  # no HTTP, a wrong Sec-WebSocket-Accept, a frame that RFC 6455 forbids
    BAD_ANSWER = "bad_answer"  # an SDP answer that does not answer the offer (RFC 3264 6)

    # The connection ended under the attempt.
    CLOSED = "closed"  # a close frame, with its code
    LOST = "lost"  # FIN without a close frame
    RESET = "reset"  # RST, or a write to a connection already gone
    TIMED_OUT = "timed_out"  # connected, but no answer in time
    CANCELLED = "cancelled"  # the run ended first

    # No connection came about.
    CONNECT_REFUSED = "connect_refused"
    CONNECT_TIMEOUT = "connect_timeout"
    UNREACHABLE = "unreachable"  # no route, no free local port or descriptor
    UNRESOLVED = "unresolved"  # DNS
    TLS_FAILED = "tls_failed"

    # It was not made at all.
    OVER_BUDGET = "over_budget"  # the retry budget was spent: no attempt, so none is counted

    @property
    def answered(self) -> bool:
        """Whether the edge's answer to the request was read, so that both sides must have counted it alike."""
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
    """The outcome that an HTTP status other than success stands for (RFC 9110 15, RFC 6585 4)."""
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
    """Why a WebSocket shows close code 1006: the column that an abnormal close is counted under.

    A browser shows the same code for an upgrade that was refused and for a connection that was cut (RFC 6455 7.1.5).
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
"""All that ``abnormal_cause`` can say."""
