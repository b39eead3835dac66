"""The gateway: proposes calls to a user's softphones, offers each to the first that takes it, and ends it.

    ring ──► propose, propose … ──► proceed ──► the edge's offer ──► answer ──► active ──► terminate
               │        └─ reject: declined           ├─ none in time: unanswered             ended
               └─ ring_for is over: retracted         └─ not a valid answer: bad_answer

Each call is counted as proposed. It is counted again when it is answered, or when it ends without an answer. An
answered call is counted again when it ends. The gateway's JIDs have ``gjoll`` in their domain, by which
genesys-cloud-streaming-client recognizes a softphone call (utils.js, isSoftphoneJid).
"""

from __future__ import annotations

import asyncio
import random
import uuid
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import floor
from typing import Protocol
from xml.etree.ElementTree import Element

from locust_softphone.config.genesys_cloud_policy import GenesysCloud
from locust_softphone.edge.genesys_cloud import stanzas
from locust_softphone.edge.genesys_cloud.call_transport import BadPayload, CallTransport
from locust_softphone.edge.genesys_cloud.jingle_transport import Jingle
from locust_softphone.edge.genesys_cloud.namespaces import NS
from locust_softphone.edge.genesys_cloud.sdp_transport import SdpOverXmpp
from locust_softphone.edge.http_request import Caller
from locust_softphone.edge.stats import CallEvent, Stats
from locust_softphone.jid import same_jid
from locust_softphone.sdp import SdpError, SessionDescription, check_answer, make_offer, parse

__all__ = ["Gateway", "Phone"]


class Phone(Protocol):
    """A softphone that has logged in: its user, its full JID, and its user's JID."""

    caller: Caller
    jid: str
    bare_jid: str

    def send(self, text: str) -> None:
        """Send one stanza."""

    def call_answered(self) -> None:
        """Note that it has answered a call."""


@dataclass(slots=True, eq=False)
class Call:
    """One call to one user; ``autoanswer`` and ``length_s`` as for ``Gateway.ring``."""

    user: Caller
    transport: CallTransport
    offer: str
    gateway: str  # the JID that calls
    autoanswer: bool
    length_s: float | None
    ring_until: float  # on the event loop's clock
    session_id: str
    conversation_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    phone: Phone | None = None  # the softphone that has taken it
    answered: bool = False
    timer: asyncio.TimerHandle | asyncio.Handle | None = None


class Gateway:
    """All softphones that have logged in, and their calls."""

    def __init__(self, policy: GenesysCloud, stats: Stats, rng: random.Random) -> None:
        self._policy = policy
        self._stats = stats
        self._rng = rng
        self._jingle, self._sdp_over_xmpp = Jingle(), SdpOverXmpp()
        self.transports: Mapping[str, CallTransport] = {
            f"{{{NS.JINGLE}}}jingle": self._jingle,
            f"{{{NS.GENESYS}}}genesys-webrtc": self._sdp_over_xmpp,
        }
        """The transports, by the tag of their payloads."""
        self._proposed = 0
        self._calls: dict[str, Call] = {}
        self._calls_of: dict[Caller, list[Call]] = {}
        self._phones_of: dict[Caller, list[Phone]] = {}
        self._inbound_queue: deque[Phone] = deque()  # the next softphone that an inbound call is for
        self._inbound_timer: asyncio.TimerHandle | None = None

    def add(self, phone: Phone) -> None:
        """Add a softphone that has logged in."""
        self._phones_of.setdefault(phone.caller, []).append(phone)
        inbound = self._policy.inbound_calls
        if inbound is not None:
            self._inbound_queue.append(phone)
            if self._inbound_timer is None:
                self._inbound_timer = asyncio.get_running_loop().call_later(1 / inbound.rate, self._ring_next)

    def remove(self, phone: Phone) -> None:
        """Remove a softphone that has disconnected, and end its calls."""
        others = self._phones_of[phone.caller]
        others.remove(phone)
        if not others:
            del self._phones_of[phone.caller]
        if self._policy.inbound_calls is not None:
            self._inbound_queue.remove(phone)
        for call in tuple(self._calls_of.get(phone.caller, ())):
            if call.phone is phone:
                self._end(call, "ended" if call.answered else "unanswered")
            elif call.phone is None and not others:
                self._end(call, "retracted")

    def ring(self, user: Caller, *, autoanswer: bool, length_s: float | None = None) -> str | None:
        """Propose a call to every softphone of this user, now and again until one takes it.

        Args:
            user: the user to call.
            autoanswer: whether the softphones should take it without asking, as for a call that they requested.
            length_s: how many seconds after the answer the gateway ends it; None if the softphone ends it.

        Returns:
            The conversation id of the call, or None if the user has no softphone that has logged in.
        """
        if user not in self._phones_of:
            return None
        loop = asyncio.get_running_loop()
        session_id = str(uuid.uuid4())
        call = Call(
            user,
            self._next_transport(),
            make_offer(self._rng),
            gateway=f"{session_id[:8]}@gjoll.{self._policy.domain}/gateway",
            autoanswer=autoanswer,
            length_s=length_s,
            ring_until=loop.time() + self._policy.ring_for_s,
            session_id=session_id,
        )
        self._calls[call.session_id] = call
        self._calls_of.setdefault(user, []).append(call)
        self._stats.calls["proposed"] += 1
        call.timer = loop.call_soon(self._propose, call)  # after the response to the request for the call
        return call.conversation_id

    def on_message(self, phone: Phone, stanza: Element) -> None:
        """Handle a Jingle message (XEP-0353): a softphone takes or rejects a call, or informs its user's others."""
        for payload in stanza:
            namespace, _, verb = payload.tag.rpartition("}")
            call = self._calls.get(payload.get("id", ""))
            if namespace != f"{{{NS.JINGLE_MESSAGE}" or call is None or call.user != phone.caller:
                continue
            to = stanza.get("to", "")
            if verb in ("accept", "reject") and same_jid(to, phone.bare_jid):
                for other in self._phones_of[phone.caller]:
                    if other is not phone:
                        other.send(stanzas.message(other.jid, phone.jid, _jingle_message(verb, call)))
            elif call.phone is None and same_jid(to, call.gateway):
                if verb == "proceed":
                    self._offer(call, phone)
                elif verb == "reject":
                    self._end(call, "declined")

    def on_request(self, phone: Phone, request: Element, payload: Element) -> None:
        """Handle a softphone's request about a call; the tag of ``payload`` is one of ``transports``."""
        transport = self.transports[payload.tag]
        try:
            message = transport.read(payload)
        except BadPayload:
            phone.send(stanzas.iq_error(request, phone.jid, "modify", "bad-request"))
            return
        call = self._calls.get(message.session_id)
        if call is None or call.phone is not phone or call.transport is not transport:
            unknown = stanzas.element("unknown-session", NS.JINGLE_ERRORS)
            phone.send(stanzas.iq_error(request, phone.jid, "cancel", "item-not-found", unknown))
            return
        phone.send(stanzas.iq_result(request, phone.jid))
        if message.kind == "answer" and not call.answered:
            self._accept(call, phone, message.answer)
        elif message.kind == "active":
            self._stats.calls["active"] += 1
        elif message.kind == "terminate":
            self._end(call, "ended" if call.answered else "declined")

    def _propose(self, call: Call) -> None:
        loop = asyncio.get_running_loop()
        retracted = loop.time() >= call.ring_until
        payload = _jingle_message("retract", call) if retracted else self._proposal(call)
        for phone in self._phones_of[call.user]:
            phone.send(stanzas.message(phone.jid, call.gateway, payload))
        if retracted:
            self._end(call, "retracted")
        else:
            call.timer = loop.call_later(self._policy.propose_every_s, self._propose, call)

    def _proposal(self, call: Call) -> str:
        about = {
            "id": call.session_id,
            "inin-cid": call.conversation_id,
            "inin-autoanswer": "true" if call.autoanswer else None,
            "inin-sdp-over-xmpp": "true" if call.transport is self._sdp_over_xmpp else None,
        }
        return stanzas.element("propose", NS.JINGLE_MESSAGE, about)

    def _offer(self, call: Call, phone: Phone) -> None:
        call.phone = phone
        offer = call.transport.offer(call.session_id, call.conversation_id, call.gateway, call.offer)
        self._request(call, phone, offer)
        self._hang_up_after(self._policy.answer_within_s, call, "unanswered", "timeout")

    def _accept(self, call: Call, phone: Phone, answer: SessionDescription | None) -> None:
        """Check the softphone's answer: the call is answered, or ends with ``bad_answer``."""
        try:
            if answer is None:
                raise SdpError("no SDP")
            check_answer(parse(call.offer), answer)
        except SdpError:
            self._hang_up(call, "bad_answer", "failed-application")
            return
        call.answered = True
        self._stats.calls["answered"] += 1
        phone.call_answered()
        if call.timer is not None:
            call.timer.cancel()
        if call.length_s is not None:
            self._hang_up_after(call.length_s, call, "ended", "success")

    def _hang_up_after(self, delay_s: float, call: Call, event: CallEvent, reason: str) -> None:
        """Hang up later; replaces the call's timer."""
        if call.timer is not None:
            call.timer.cancel()
        call.timer = asyncio.get_running_loop().call_later(delay_s, self._hang_up, call, event, reason)

    def _hang_up(self, call: Call, event: CallEvent, reason: str) -> None:
        if call.phone is not None:
            self._request(call, call.phone, call.transport.terminate(call.session_id, reason))
        self._end(call, event)

    def _request(self, call: Call, phone: Phone, payload: str) -> None:
        phone.send(stanzas.iq("set", str(uuid.uuid4()), phone.jid, call.gateway, payload))

    def _end(self, call: Call, event: CallEvent) -> None:
        """Count the end of the call, and forget it."""
        if call.timer is not None:
            call.timer.cancel()
        del self._calls[call.session_id]
        calls = self._calls_of[call.user]
        calls.remove(call)
        if not calls:
            del self._calls_of[call.user]
        self._stats.calls[event] += 1

    def _next_transport(self) -> CallTransport:
        """The transport of the next call: the policy's share of SDP over XMPP in the long run, evenly spread."""
        before = floor(self._proposed * self._policy.sdp_over_xmpp)
        self._proposed += 1
        return self._sdp_over_xmpp if floor(self._proposed * self._policy.sdp_over_xmpp) > before else self._jingle

    def _ring_next(self) -> None:
        """Call the next softphone in the queue whose user is not in a call."""
        inbound = self._policy.inbound_calls
        assert inbound is not None
        for _ in range(len(self._inbound_queue)):
            phone = self._inbound_queue[0]
            self._inbound_queue.rotate(-1)
            if phone.caller not in self._calls_of:
                self.ring(phone.caller, autoanswer=False, length_s=inbound.length_s)
                break
        self._inbound_timer = asyncio.get_running_loop().call_later(1 / inbound.rate, self._ring_next)


def _jingle_message(verb: str, call: Call) -> str:
    return stanzas.element(verb, NS.JINGLE_MESSAGE, {"id": call.session_id})
