"""How a call is spoken of on the stream, once it has been proposed and taken: two bearers, one meaning.

    Jingle (XEP-0166)                            SDP over XMPP, JSON-RPC 2.0                        CallMessage
    session-initiate                             offer                                              by the edge only
    session-accept                               answer                                             answer
    transport-info                               iceCandidate                                       nothing
    session-info, active                         info, status: active                               active
    session-terminate                            terminate                                          terminate

Whatever else a softphone may say (mute, hold) makes no difference here.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, Protocol
from xml.etree.ElementTree import Element

from locust_softphone.sdp import SessionDescription

__all__ = ["BadPayload", "CallMessage", "CallTransport"]


class BadPayload(ValueError):
    """It is not what this bearer carries."""


class CallMessage(NamedTuple):
    """What a softphone has said about a call.

    Args:
        about: the id of the session that the call is.
        what: what it says; ``nothing`` for what makes no difference here, as a candidate.
        answer: the SDP answer, or None for one that cannot be read.
    """

    about: str
    what: Literal["answer", "active", "terminate", "nothing"]
    answer: SessionDescription | None = None


class CallTransport(Protocol):
    """One way to say it; everything is a payload of an IQ of type set."""

    def offer(self, session_id: str, conversation_id: str, initiator: str, sdp: str) -> str:
        """The edge's offer."""

    def terminate(self, session_id: str, reason: str) -> str:
        """The end of the call; the reason is a Jingle condition (XEP-0166 7.4)."""

    def read(self, payload: Element) -> CallMessage:
        """What a softphone's payload says.

        Raises:
            BadPayload: nothing that this bearer carries.
        """
