"""Errors of sockets and of TLS become failed attempts here and nowhere else."""

from __future__ import annotations

import errno
import socket
import ssl
from typing import Literal, TypeAlias

from locust_softphone.errors import AttemptFailed
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.signaling.tls import TlsFailed, TlsRefused
from locust_softphone.signaling.tls_problem import TlsProblem, TlsReason

__all__ = ["SettingUp", "failure_of", "outcome_of"]

SettingUp: TypeAlias = Literal["TCP", "TLS", ""]
"""The handshake in which an error was raised, if any; its failure means that there is no connection."""

_OUTCOME_OF_ERRNO = {
    errno.ECONNREFUSED: Outcome.CONNECT_REFUSED,
    errno.ECONNRESET: Outcome.RESET,
    errno.ECONNABORTED: Outcome.RESET,
    errno.EPIPE: Outcome.RESET,
}

_CLOSED = TlsProblem(TlsReason.CLOSED, "it closed the connection during the TLS handshake: is there TLS on this port?")


def failure_of(error: OSError | ValueError, setting_up: SettingUp = "") -> AttemptFailed:
    """The failed attempt that a socket's error stands for; with the reason why TLS failed, if it did."""
    outcome = outcome_of(error, setting_up)
    if outcome is not Outcome.TLS_FAILED:
        return AttemptFailed(outcome)
    problem = error.problem if isinstance(error, TlsFailed) else _CLOSED
    return AttemptFailed(outcome, reason=problem.reason.value, detail=problem.detail)


def outcome_of(error: OSError | ValueError, setting_up: SettingUp = "") -> Outcome:
    """The outcome of an attempt that ended with a socket's error.

    Args:
        error: raised by the socket or by a name look-up.
        setting_up: the handshake in which it was raised, if any; its failure means that there is no connection.
    """
    if isinstance(error, TimeoutError):
        return Outcome.CONNECT_TIMEOUT if setting_up == "TCP" else Outcome.TIMED_OUT
    if isinstance(error, (socket.gaierror, UnicodeError)):
        return Outcome.UNRESOLVED
    if isinstance(error, (ssl.SSLError, ValueError)):  # ValueError: not a host name for TLS
        return Outcome.TLS_FAILED if setting_up == "TLS" or isinstance(error, TlsRefused) else Outcome.LOST
    if setting_up == "TCP" and error.errno == errno.ETIMEDOUT:
        return Outcome.CONNECT_TIMEOUT
    unknown = Outcome.UNREACHABLE if setting_up == "TCP" else Outcome.RESET
    return _OUTCOME_OF_ERRNO.get(error.errno or 0, unknown)
