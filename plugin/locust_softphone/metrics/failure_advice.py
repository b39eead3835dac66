"""What to check after a failure that no retry can help: the same words in a run, in its early stop and in a probe."""

from __future__ import annotations

from collections.abc import Callable

from locust_softphone.metrics.outcome import Outcome

__all__ = ["ENDED", "advice_for", "unreachable"]

_ADVICE = {
    Outcome.UNAUTHORIZED: "the edge does not accept the credentials: check the client id and secret, or the password",
    Outcome.REJECTED: "the edge does not know this request: check --host (is it https://?), and the profile's dialect",
    Outcome.REDIRECTED: "redirects are not followed: give the host that it redirects to as --host",
    Outcome.SERVER_ERROR: "the server does not support this request: check that --host is an edge, not a web server",
    Outcome.MALFORMED: "the answer is not one of this protocol: check that --host is an edge, and its scheme",
    Outcome.BAD_ANSWER: "the SDP answers do not answer the offers: check the profile's dialect, and the edge",
    Outcome.TLS_FAILED: "no TLS connection is possible, for the reason in brackets",
    Outcome.UNRESOLVED: "the name of the host cannot be resolved",
}
_UNREACHABLE = {
    Outcome.CONNECT_REFUSED: "nothing listens there; is the edge running?",
    Outcome.UNRESOLVED: "no such host name",
}
ENDED = (Outcome.LOST, Outcome.RESET)
"""How attempts end at most servers that want TLS and get none."""
_NEEDS_TLS = "the server speaks TLS: write https:// (or wss://)"
_RETRIED_STATUSES = (408, 409, 425)  # of the 4xx, those that another attempt can change
_UNSUPPORTED_STATUSES = (501, 505)  # of the 5xx, those that it cannot


def advice_for(outcome: Outcome, status: int | None, needs_tls: Callable[[], bool]) -> str:
    """What to check if every attempt fails like this; empty if a retry can help.

    Args:
        outcome: of every attempt.
        status: HTTP's, or None.
        needs_tls: finds out whether the server wants TLS and gets none. Most servers then end the connection without a
            word, so it is called only if the attempts ended like that.
    """
    if outcome in ENDED:
        return _NEEDS_TLS if needs_tls() else ""
    if outcome is Outcome.REJECTED and status in _RETRIED_STATUSES:
        return ""
    if outcome is Outcome.SERVER_ERROR and status not in _UNSUPPORTED_STATUSES:
        return ""
    return _ADVICE.get(outcome, "")


def unreachable(outcome: Outcome, detail: str, *, tls: bool) -> str:
    """Why no connection to a host can be opened, and what to check.

    Args:
        outcome: of the attempt to connect.
        detail: what is known besides; empty if nothing is.
        tls: whether a TLS handshake was tried.
    """
    if tls and outcome in (Outcome.RESET, Outcome.TIMED_OUT):
        why = "it does not answer the TLS handshake: is there TLS on this port?"
    else:
        why = detail or _UNREACHABLE.get(outcome, "it cannot be reached")
    return f"{outcome.value}: {why}"
