"""What a softphone says in its calls. The edge offers, the softphone answers; inbound and outbound look alike.

    edge  message  propose                                          urn:xmpp:jingle-message:0
    we    message  proceed to the edge, accept to our own bare JID (the user's other clients stop ringing)

                   SDP over XMPP                        Jingle
    edge  iq set   offer                                session-initiate
    we    iq set   answer, iceCandidate …               session-accept, transport-info …
    we    iq set   info, status active                  session-info, active        once the answer was taken
    both  iq set   terminate                            session-terminate

The edge chooses the bearer. Every iq that is set gets its result. Read from genesys-cloud-streaming-client 19.4.1
(webrtc.js, genesys-cloud-media-session.js) and genesys-cloud-webrtc-sdk 9.2.4 (softphone-session-handler.js).

Nothing here does I/O: a stanza goes in, the stanzas to send come out.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Literal

from locust_softphone import sdp
from locust_softphone.signaling.json_body import json_object
from locust_softphone.signaling.xmpp import jingle
from locust_softphone.signaling.xmpp.stanza import Element, escape

__all__ = ["PROPOSE", "RETRACT", "WEBRTC", "Call", "Calls"]

_MESSAGES = "urn:xmpp:jingle-message:0"
PROPOSE = f"{_MESSAGES} propose"
RETRACT = f"{_MESSAGES} retract"
WEBRTC = "genesys genesys-webrtc"
MOST_CALLS = 100  # open at once on one connection; a proposal beyond is left to ring
_CANDIDATES = (
    "m=audio 9 RTP/AVP 0\r\na=candidate:1 1 udp 2130706431 192.0.2.1 9 typ host generation 0\r\n",
    "a=end-of-candidates\r\n",
)

State = Literal["accepted", "answered", "active", "failed"]


class Call:
    """One call: ``peer`` is who proposed it; ``failed`` is one that the edge did not let be."""

    __slots__ = ("conversation", "over_jingle", "peer", "sid", "state")

    def __init__(self, sid: str, conversation: str, peer: str) -> None:
        self.sid = sid
        self.conversation = conversation
        self.peer = peer
        self.state: State = "accepted"
        self.over_jingle = True


class Calls:
    """The calls on one connection.

    Args:
        jid: the softphone's full JID.
        new_id: makes the id of a stanza.
        fingerprint: of the softphone's certificate, which there is none.
        random: makes ICE credentials.
    """

    __slots__ = ("_awaited", "_bare", "_fingerprint", "_jid", "_new_id", "_open", "_random", "become_active")

    def __init__(self, jid: str, new_id: Callable[[], str], fingerprint: str, random: Random) -> None:
        self.become_active: list[Call] = []
        """Calls that became active since somebody last took them out."""
        self._jid = jid
        self._bare = jid.partition("/")[0]
        self._new_id = new_id
        self._fingerprint = fingerprint
        self._random = random
        self._open: dict[str, Call] = {}
        self._awaited: dict[str, Call] = {}

    def of_conversation(self, conversation: str) -> Call | None:
        """The call of a conversation, if it has been proposed."""
        return next((call for call in self._open.values() if call.conversation == conversation), None)

    # What the edge says.

    def proposed(self, peer: str, propose: Element) -> list[str]:
        """A call is proposed, or proposed again: it is taken at once, as with automatic answer."""
        sid = propose.get("id")
        proceed = _message(peer, "proceed", sid)
        if sid in self._open:
            return [proceed]
        if not sid or len(self._open) >= MOST_CALLS:
            return []
        self._open[sid] = Call(sid, propose.get("inin-cid"), peer)
        return [proceed, _message(self._bare, "accept", sid)]

    def retracted(self, sid: str) -> None:
        """The caller has given up."""
        if (call := self._open.pop(sid, None)) is not None:
            call.state = "failed"

    def told(self, peer: str, webrtc: Element) -> list[str]:
        """A ``genesys-webrtc`` has come: JSON-RPC, over XMPP."""
        request = json_object(webrtc.text)
        params = request.get("params")
        if not isinstance(params, dict):
            return []
        call = self._open.get(str(params.get("sessionId")))
        if call is None or call.peer != peer:
            return []
        method = request.get("method")
        if method == "offer":
            call.over_jingle = False
            return self._answer(call, params.get("sdp"))
        if method == "terminate":
            self._ended(call)
        return []

    def told_by_jingle(self, peer: str, told: Element) -> list[str]:
        """A ``jingle`` has come (XEP-0166 7.2)."""
        call = self._open.get(told.get("sid"))
        if call is None or call.peer != peer:
            return []
        action = told.get("action")
        if action == "session-initiate":
            return self._accept(call, jingle.offered(told))
        if action == "session-terminate":
            self._ended(call)
        return []

    def settled(self, id_: str, *, well: bool) -> list[str]:
        """An iq of ours has its result, or an error."""
        call = self._awaited.pop(id_, None)
        if call is None:
            return []
        if not well:
            call.state = "failed"
        elif call.state == "accepted":
            call.state = "answered"
            return [self._await(call, self._active(call))]
        elif call.state == "answered":
            call.state = "active"
            self.become_active.append(call)
        return []

    # What we say of our own accord.

    def end_all(self) -> list[str]:
        """Hang up every call."""
        calls, self._open = self._open, {}
        return [
            self._iq(call, self._terminate(call)) for call in calls.values() if call.state in ("answered", "active")
        ]

    # The two bearers.

    def _answer(self, call: Call, offer: object) -> list[str]:
        """Answer an offer over XMPP, or a later one for the same call."""
        try:
            if not isinstance(offer, str):
                raise sdp.SdpError("no offer")
            answer = sdp.make_answer(sdp.parse(offer), self._random, self._fingerprint)
        except sdp.SdpError:
            return self._refuse(call)
        answered = self._webrtc(call, "answer", {"sdp": answer, "sessionId": call.sid})
        return [
            self._await(call, answered) if call.state == "accepted" else self._iq(call, answered),
            *(
                self._iq(call, self._webrtc(call, "iceCandidate", {"sessionId": call.sid, "sdp": candidate}))
                for candidate in _CANDIDATES
            ),
        ]

    def _accept(self, call: Call, offer: jingle.Offered | None) -> list[str]:
        """Answer an offer over Jingle."""
        if offer is None or call.state != "accepted":
            return self._refuse(call)
        ufrag, pwd = sdp.ice_credentials(self._random)
        return [
            self._await(call, jingle.accept(call.sid, offer, self._jid, ufrag, pwd, self._fingerprint)),
            self._iq(call, jingle.candidate(call.sid, offer, ufrag, pwd)),
            self._iq(call, jingle.gathering_complete(call.sid, offer, ufrag, pwd)),
        ]

    def _refuse(self, call: Call) -> list[str]:
        """Give up a call whose offer cannot be answered."""
        self._ended(call)
        return [self._iq(call, self._terminate(call))]

    def _ended(self, call: Call) -> None:
        self._open.pop(call.sid, None)
        if call.state != "active":
            call.state = "failed"

    def _active(self, call: Call) -> str:
        if call.over_jingle:
            return jingle.active(call.sid)
        return self._webrtc(call, "info", {"sessionId": call.sid, "status": "active"})

    def _terminate(self, call: Call) -> str:
        if call.over_jingle:
            return jingle.terminate(call.sid)
        return self._webrtc(call, "terminate", {"sessionId": call.sid, "reason": "success"})

    def _webrtc(self, call: Call, method: str, params: dict[str, str]) -> str:
        request = {"jsonrpc": "2.0", "id": self._new_id(), "method": method, "params": params}
        return f'<genesys-webrtc xmlns="genesys">{escape(json.dumps(request))}</genesys-webrtc>'

    def _await(self, call: Call, inner: str) -> str:
        """An iq whose result the call waits for."""
        id_ = self._new_id()
        self._awaited[id_] = call
        return self._iq(call, inner, id_)

    def _iq(self, call: Call, inner: str, id_: str = "") -> str:
        return (
            f'<iq xmlns="jabber:client" type="set" id="{id_ or self._new_id()}" to="{escape(call.peer)}" '
            f'from="{escape(self._jid)}">{inner}</iq>'
        )


def _message(to: str, what: str, sid: str) -> str:
    return (
        f'<message xmlns="jabber:client" to="{escape(to)}"><{what} xmlns="{_MESSAGES}" id="{escape(sid)}"/></message>'
    )
