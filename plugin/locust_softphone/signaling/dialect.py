"""The interface of a dialect: how a softphone's steps are spoken on the wire.

    Dialect          one per process      makes clients
    DialectClient    one per softphone    token, the steps before the handshake, handshake
    Session          one per WebSocket    ready, offer, messages from the edge, goodbye

Each method that returns a ``Reply`` is one attempt of one step. It returns its result and the rate-limit advice of the
response that carried it, or raises ``AttemptFailed``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias, TypeVar

from locust_softphone.limits.advice import LimitAdvice
from locust_softphone.signaling.token import Token

__all__ = ["Dialect", "DialectClient", "Reply", "Session", "SetupStep"]

T = TypeVar("T")
Reply: TypeAlias = tuple[T, LimitAdvice]
"""The result of a step, and what the response says about when to ask again."""

SetupStep: TypeAlias = tuple[str, Callable[[Token], Reply[None]]]
"""A step between the token and the handshake: its name, and a function that makes one attempt of it."""


class Session(Protocol):
    """One WebSocket of a softphone."""

    @property
    def ready(self) -> bool:
        """Whether the edge is ready for an offer."""

    @property
    def pings(self) -> int:
        """The number of pings answered."""

    def wait_ready(self) -> Reply[None]:
        """Wait until the edge is ready for an offer, logging in first if the dialect requires it."""

    def offer(self, token: Token) -> Reply[object]:
        """Set up one call."""

    def listen(self, timeout_s: float) -> str | None:
        """Wait for the edge's next message, and act on it.

        Returns:
            The name of a counter to increase, if any.

        Raises:
            AttemptFailed: the WebSocket has ended.
        """

    def bye(self) -> int:
        """Say bye and close; returns the code of the edge's close frame."""

    def cut(self) -> None:
        """Close without waiting for the edge."""

    def abort(self) -> None:
        """Drop the connection without a close frame."""


class DialectClient(Protocol):
    """The state of one softphone between attempts, except for its sessions."""

    @property
    def given_token(self) -> str:
        """The token that the softphone's user already has; empty if the softphone must request one."""

    def fetch_token(self, now_s: float) -> Reply[Token]:
        """Request a token; ``now_s`` is the current time by the clock that it expires by."""

    def setup_steps(self) -> Sequence[SetupStep]:
        """The steps that are left between the token and the handshake, in order."""

    def connect(self, token: Token) -> Reply[Session]:
        """Open the WebSocket."""

    def close_idle(self) -> int:
        """Close idle HTTP connections; returns how many had to be reopened since the last time."""


class Dialect(Protocol):
    """One dialect, for one edge and one OAuth client."""

    @property
    def name(self) -> str:
        """The name in a profile: a key of ``steps.DIALECTS``."""

    @property
    def calls_outlive_connection(self) -> bool:
        """Whether a call continues without its WebSocket, so that a reconnect needs no new offer."""

    def client(self, number: int) -> DialectClient:
        """The client of the softphone with this number."""
