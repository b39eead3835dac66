"""SDP over XMPP: JSON-RPC 2.0 in an XML element, as genesys-cloud-streaming-client 19.4.1 reads and writes it.

    <genesys-webrtc xmlns="genesys">{"jsonrpc": "2.0", "method": "offer", "params": {"sessionId": …, "sdp": …}}

The result of its IQ acknowledges a request; there are no JSON-RPC responses.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import count
from typing import Any
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

from locust_softphone.edge.genesys_cloud.call_transport import BadPayload, CallMessage
from locust_softphone.edge.genesys_cloud.namespaces import NS
from locust_softphone.edge.genesys_cloud.stanzas import element
from locust_softphone.sdp import SdpError, SessionDescription, parse
from locust_softphone.untrusted import json_object

__all__ = ["SdpOverXmpp"]


class SdpOverXmpp:
    """The transport; it numbers its requests."""

    def __init__(self) -> None:
        self._ids = count(1)

    def offer(self, session_id: str, conversation_id: str, initiator: str, sdp: str) -> str:
        params = {"sessionId": session_id, "conversationId": conversation_id, "sdp": sdp, "reinvite": False}
        return self._request("offer", params)

    def terminate(self, session_id: str, reason: str) -> str:
        return self._request("terminate", {"sessionId": session_id, "reason": reason})

    def read(self, payload: Element) -> CallMessage:
        request = json_object(payload.text or "")
        params = request.get("params")
        session_id = params.get("sessionId") if isinstance(params, dict) else None
        if not isinstance(params, dict) or not isinstance(session_id, str):
            raise BadPayload("not a JSON-RPC request with a sessionId")
        method = request.get("method")
        if method == "answer":
            return CallMessage(session_id, "answer", _answer(params))
        if method == "info" and params.get("status") == "active":
            return CallMessage(session_id, "active")
        if method == "terminate":
            return CallMessage(session_id, "terminate")
        if method in ("info", "iceCandidate", "mute", "unmute"):
            return CallMessage(session_id, "nothing")
        raise BadPayload("an unknown method")

    def _request(self, method: str, params: Mapping[str, object]) -> str:
        request = {"jsonrpc": "2.0", "id": str(next(self._ids)), "method": method, "params": params}
        return element("genesys-webrtc", NS.GENESYS, content=escape(json.dumps(request)))


def _answer(params: Mapping[str, Any]) -> SessionDescription | None:
    sdp = params.get("sdp")
    try:
        return parse(sdp) if isinstance(sdp, str) else None
    except SdpError:
        return None
