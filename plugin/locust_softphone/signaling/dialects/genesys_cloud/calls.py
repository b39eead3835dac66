"""What a softphone says in its calls. The edge offers and the softphone answers, in inbound and outbound calls.

    edge       message  propose                                    urn:xmpp:jingle-message:0
    softphone  message  proceed to the edge, accept to its own bare JID (so that the user's other clients stop ringing)

                        SDP over XMPP                  Jingle
    edge       iq set   offer                          session-initiate
    softphone  iq set   answer, iceCandidate …         session-accept, transport-info …
    softphone  iq set   info, status active            session-info, active, once the answer was acknowledged
    both       iq set   terminate                      session-terminate

The edge chooses the transport; what comes over Jingle for a call that was proposed for SDP over XMPP is ignored. Each
iq of type set gets a result. Source: genesys-cloud-streaming-client 19.4.1 (webrtc.js, genesys-cloud-media-session.js)
and genesys-cloud-webrtc-sdk 9.2.4 (softphone-session-handler.js).

There is no I/O here: methods take an element and return the stanzas to send.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from random import Random
from typing import Literal
from xml.etree.ElementTree import Element

from locust_softphone import sdp
from locust_softphone.jid import same_jid
from locust_softphone.signaling.xmpp import jingle
from locust_softphone.signaling.xmpp.stanza import addresses, escape, iq, message
from locust_softphone.untrusted import json_object

__all__ = ["PROPOSE", "RETRACT", "WEBRTC", "Call", "Calls"]

_MESSAGES = "urn:xmpp:jingle-message:0"
PROPOSE = f"{{{_MESSAGES}}}propose"
RETRACT = f"{{{_MESSAGES}}}retract"
WEBRTC = "{genesys}genesys-webrtc"
MAX_CALLS = 100  # open at once on one connection; further proposals are not answered
REMEMBERED_REINVITES = 5
_CANDIDATES = (
    "m=audio 9 RTP/AVP 0\r\na=candidate:1 1 udp 2130706431 192.0.2.1 9 typ host generation 0\r\n",
    "a=end-of-candidates\r\n",
)

State = Literal["accepted", "answered", "active", "failed"]


class Call:
    """One call. ``peer`` is the JID that proposed it; the state is ``failed`` if it ended before it was active.

    ``addresses`` are those of the softphone's stanzas, escaped once for all of them.
    """

    __slots__ = ("addresses", "conversation", "over_jingle", "peer", "sid", "state")

    def __init__(self, sid: str, conversation: str, peer: str, addresses: str, *, over_jingle: bool) -> None:
        self.sid = sid
        self.conversation = conversation
        self.peer = peer
        self.addresses = addresses
        self.state: State = "accepted"
        self.over_jingle = over_jingle


class Calls:
    """The calls on one connection.

    Args:
        jid: the softphone's full JID.
        new_id: makes the id of a stanza.
        fingerprint: of the certificate that the softphone would have.
        random: makes ICE credentials.
    """

    __slots__ = (
        "_bare",
        "_fingerprint",
        "_jid",
        "_new_id",
        "_open",
        "_random",
        "_reinvites",
        "_unacknowledged",
        "become_active",
    )

    def __init__(self, jid: str, new_id: Callable[[], str], fingerprint: str, random: Random) -> None:
        self.become_active: list[Call] = []
        """Calls that became active; the caller removes them."""
        self._jid = jid
        self._bare = jid.partition("/")[0]
        self._new_id = new_id
        self._fingerprint = fingerprint
        self._random = random
        self._open: dict[str, Call] = {}
        self._unacknowledged: dict[str, Call] = {}
        self._reinvites: deque[object] = deque(maxlen=REMEMBERED_REINVITES)

    def of_conversation(self, conversation: str) -> Call | None:
        """The call of a conversation, if it has been proposed."""
        return next((call for call in self._open.values() if call.conversation == conversation), None)

    # Messages from the edge.

    def proposed(self, peer: str, propose: Element) -> list[str]:
        """Accept a proposed call at once, as with automatic answer; a proposal can be repeated."""
        sid = propose.get("id", "")
        proceed = _jingle_message(peer, "proceed", sid)
        if sid in self._open:
            return [proceed]
        if not sid or len(self._open) >= MAX_CALLS:
            return []
        over_jingle = propose.get("inin-sdp-over-xmpp") not in ("true", "1")
        conversation, between = propose.get("inin-cid", ""), addresses(peer, self._jid)
        self._open[sid] = Call(sid, conversation, peer, between, over_jingle=over_jingle)
        return [proceed, _jingle_message(self._bare, "accept", sid)]

    def retracted(self, sid: str) -> None:
        """The caller has given up."""
        if (call := self._open.pop(sid, None)) is not None:
            call.state = "failed"

    def on_webrtc(self, peer: str, webrtc: Element) -> list[str]:
        """Handle a ``genesys-webrtc`` element: JSON-RPC over XMPP."""
        request = json_object(webrtc.text or "")
        params = request.get("params")
        if not isinstance(params, dict):
            return []
        call = self._open.get(str(params.get("sessionId")))
        if call is None or not same_jid(call.peer, peer):
            return []
        method = request.get("method")
        if method == "offer":
            if params.get("reinvite"):  # the gateway repeats it until it is answered
                if request.get("id") in self._reinvites:
                    return []
                self._reinvites.append(request.get("id"))
            call.over_jingle = False
            return self._answer(call, params.get("sdp"))
        if method == "terminate":
            self._ended(call)
        return []

    def on_jingle(self, peer: str, request: Element) -> list[str]:
        """Handle a ``jingle`` element (XEP-0166 7.2)."""
        call = self._open.get(request.get("sid", ""))
        if call is None or not call.over_jingle or not same_jid(call.peer, peer):
            return []
        action = request.get("action")
        if action == "session-initiate" and call.state == "accepted":
            return self._accept(call, jingle.offered(request))
        if action == "session-terminate":
            self._ended(call)
        return []

    def acknowledged(self, id_: str, *, ok: bool) -> list[str]:
        """Handle the result of an iq that the softphone sent, or the error (``ok`` is false)."""
        call = self._unacknowledged.pop(id_, None)
        if call is None:
            return []
        if not ok:
            call.state = "failed"
        elif call.state == "accepted":
            call.state = "answered"
            return [self._acknowledged_iq(call, self._active(call))]
        elif call.state == "answered":
            call.state = "active"
            self.become_active.append(call)
        return []

    # Stanzas of the softphone.

    def end_all(self) -> list[str]:
        """Hang up every call."""
        calls, self._open = self._open, {}
        return [
            self._iq(call, self._terminate(call)) for call in calls.values() if call.state in ("answered", "active")
        ]

    def _answer(self, call: Call, offer: object) -> list[str]:
        """Answer an offer over XMPP; a call can get more than one. One that cannot be answered ends only a new call."""
        try:
            if not isinstance(offer, str):
                raise sdp.SdpError("no offer")
            answer = sdp.make_answer(sdp.parse(offer), self._random, self._fingerprint)
        except sdp.SdpError:
            return self._refuse(call) if call.state == "accepted" else []
        answered = self._webrtc("answer", {"sdp": answer, "sessionId": call.sid})
        return [
            self._acknowledged_iq(call, answered) if call.state == "accepted" else self._iq(call, answered),
            *(
                self._iq(call, self._webrtc("iceCandidate", {"sessionId": call.sid, "sdp": candidate}))
                for candidate in _CANDIDATES
            ),
        ]

    def _accept(self, call: Call, offer: jingle.Offered | None) -> list[str]:
        """Answer an offer over Jingle."""
        if offer is None:
            return self._refuse(call)
        ufrag, pwd = sdp.ice_credentials(self._random)
        return [
            self._acknowledged_iq(call, jingle.accept(call.sid, offer, self._jid, ufrag, pwd, self._fingerprint)),
            self._iq(call, jingle.candidate(call.sid, offer, ufrag, pwd)),
            self._iq(call, jingle.gathering_complete(call.sid, offer, ufrag, pwd)),
        ]

    def _refuse(self, call: Call) -> list[str]:
        """End a call whose offer cannot be answered."""
        self._ended(call)
        return [self._iq(call, self._terminate(call))]

    def _ended(self, call: Call) -> None:
        self._open.pop(call.sid, None)
        if call.state != "active":
            call.state = "failed"

    def _active(self, call: Call) -> str:
        if call.over_jingle:
            return jingle.active(call.sid)
        return self._webrtc("info", {"sessionId": call.sid, "status": "active"})

    def _terminate(self, call: Call) -> str:
        if call.over_jingle:
            return jingle.terminate(call.sid)
        return self._webrtc("terminate", {"sessionId": call.sid, "reason": "success"})

    def _webrtc(self, method: str, params: dict[str, str]) -> str:
        request = {"jsonrpc": "2.0", "id": self._new_id(), "method": method, "params": params}
        return f'<genesys-webrtc xmlns="genesys">{escape(json.dumps(request))}</genesys-webrtc>'

    def _acknowledged_iq(self, call: Call, content: str) -> str:
        """An iq whose result changes the state of the call."""
        id_ = self._new_id()
        self._unacknowledged[id_] = call
        return self._iq(call, content, id_)

    def _iq(self, call: Call, content: str, id_: str = "") -> str:
        return iq("set", id_ or self._new_id(), content, call.addresses)


def _jingle_message(to: str, what: str, sid: str) -> str:
    return message(to, f'<{what} xmlns="{_MESSAGES}" id="{escape(sid)}"/>')
