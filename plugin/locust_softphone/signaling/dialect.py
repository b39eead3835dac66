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
"""A step between the token and the handshake: its name, and one attempt of it."""


class Session(Protocol):
    """A softphone's registration: one WebSocket."""

    @property
    def ready(self) -> bool:
        """Whether the edge is ready for an offer."""

    @property
    def pings(self) -> int:
        """How many pings were answered."""

    def wait_ready(self) -> Reply[None]:
        """Do what is left until the edge is ready for an offer."""

    def offer(self, token: Token) -> Reply[object]:
        """Set up one call."""

    def listen(self, timeout_s: float) -> str | None:
        """Hear the edge's next message, if one comes in time, and do what it asks for.

        Returns:
            What is to be counted, if the message made anything happen that is: the name of a counter.

        Raises:
            AttemptFailed: the WebSocket has ended.
        """

    def bye(self) -> int:
        """Say bye and close; returns the code of the edge's close frame."""

    def abort(self) -> None:
        """Let go of the connection without a word."""


class DialectClient(Protocol):
    """What one softphone keeps from one attempt to the next, its sessions apart."""

    @property
    def given_token(self) -> str:
        """The token that the softphone's user has already, so that none is asked for; empty where there is none."""

    def fetch_token(self, now_s: float) -> Reply[Token]:
        """Ask for a token; ``now_s`` is the clock that it expires by."""

    def setup_steps(self) -> Sequence[SetupStep]:
        """The steps that are still to be done between the token and the handshake, in their order."""

    def connect(self, token: Token) -> Reply[Session]:
        """Open the WebSocket."""

    def close_idle(self) -> None:
        """Nothing is asked for a while: let go of idle HTTP connections."""


class Dialect(Protocol):
    """What is said on the wire, to one edge, as one OAuth client."""

    @property
    def name(self) -> str:
        """As a profile has it: a key of ``steps.DIALECTS``."""

    @property
    def calls_outlive_connection(self) -> bool:
        """Whether a call goes on while its WebSocket is gone, so that coming back is all there is to do."""

    def client(self, number: int) -> DialectClient:
        """The line of the ``number``-th softphone."""
