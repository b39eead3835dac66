"""How a call travels on the XMPP stream after it was proposed and taken: two transports with the same meaning.

    Jingle (XEP-0166)          SDP over XMPP, JSON-RPC 2.0     CallMessage
    session-initiate           offer                           sent by the edge only
    session-accept             answer                          answer
    transport-info             iceCandidate                    nothing
    session-info, active       info, status: active            active
    session-terminate          terminate                       terminate

Other messages of a softphone, such as mute and hold, have no effect here.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, Protocol
from xml.etree.ElementTree import Element

from locust_softphone.sdp import SessionDescription

__all__ = ["BadPayload", "CallMessage", "CallTransport"]


class BadPayload(ValueError):
    """The payload is not a message of this transport."""


class CallMessage(NamedTuple):
    """A softphone's message about a call.

    Args:
        session_id: the session id of the call.
        kind: what it means; ``nothing`` if it has no effect here, such as a candidate.
        answer: the SDP answer, or None for one that cannot be read.
    """

    session_id: str
    kind: Literal["answer", "active", "terminate", "nothing"]
    answer: SessionDescription | None = None


class CallTransport(Protocol):
    """Writes and reads the payloads of a call. Each is the payload of an IQ of type set."""

    def offer(self, session_id: str, conversation_id: str, initiator: str, sdp: str) -> str:
        """The edge's offer."""

    def terminate(self, session_id: str, reason: str) -> str:
        """The end of the call; the reason is a Jingle condition (XEP-0166 7.4)."""

    def read(self, payload: Element) -> CallMessage:
        """The message in a softphone's payload.

        Raises:
            BadPayload: it is not a message of this transport.
        """
