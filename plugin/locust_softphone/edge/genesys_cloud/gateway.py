"""The gateway: calls that are proposed to a user's softphones, offered to the first that takes one, and ended.

    ring ──► propose, propose … ──► proceed ──► the edge's offer ──► answer ──► active ──► terminate
               │        └─ reject: declined           ├─ none in time: unanswered             ended
               └─ ring_for is over: retracted         └─ no answer to the offer: bad_answer

A call that was proposed is counted once more when it is answered, or when it is over before it was; one that was
answered is counted once more when it has ended. The gateway's JIDs have ``gjoll`` in their domain, by which
genesys-cloud-streaming-client tells a softphone call (utils.js, isSoftphoneJid).
"""

from __future__ import annotations

import asyncio
import random
import uuid
from collections import deque
from math import floor
from typing import Protocol
from xml.etree.ElementTree import Element

from locust_softphone.edge.genesys_cloud import namespaces as ns
from locust_softphone.edge.genesys_cloud.call_transport import BadPayload, CallMessage, CallTransport
from locust_softphone.edge.genesys_cloud.jingle_transport import Jingle
from locust_softphone.edge.genesys_cloud.sdp_transport import SdpOverXmpp
from locust_softphone.edge.genesys_cloud.stanzas import element, iq, iq_error, iq_result, message
from locust_softphone.edge.genesys_cloud.wire_policy import GenesysCloud
from locust_softphone.edge.http_request import Caller
from locust_softphone.edge.stats import CallEvent, Stats
from locust_softphone.sdp import SdpError, SessionDescription, check_answer, make_offer, parse

__all__ = ["Calls", "Phone"]


class Phone(Protocol):
    """A softphone that is logged in."""

    @property
    def caller(self) -> Caller:
        """Whose it is."""

    @property
    def jid(self) -> str:
        """Its full JID."""

    @property
    def bare_jid(self) -> str:
        """Its user's JID."""

    def say(self, text: str) -> None:
        """Send one stanza."""

    def call_answered(self) -> None:
        """It has answered a call."""


class Call:
    """One call to one user. ``phone`` is the softphone that has taken it."""

    __slots__ = (
        "answered",
        "autoanswer",
        "bearer",
        "conversation_id",
        "gateway",
        "length_s",
        "offer",
        "phone",
        "ring_until",
        "session_id",
        "timer",
        "user",
    )

    def __init__(
        self, user: Caller, bearer: CallTransport, offer: str, domain: str, *, autoanswer: bool, length_s: float | None
    ) -> None:
        self.user = user
        self.bearer = bearer
        self.offer = offer
        self.autoanswer = autoanswer
        self.length_s = length_s
        self.session_id = str(uuid.uuid4())
        self.conversation_id = str(uuid.uuid4())
        self.gateway = f"{self.session_id[:8]}@gjoll.{domain}/gateway"
        self.phone: Phone | None = None
        self.answered = False
        self.ring_until = 0.0
        self.timer: asyncio.TimerHandle | asyncio.Handle | None = None


class Calls:
    """All softphones that are logged in, and their calls."""

    def __init__(self, policy: GenesysCloud, stats: Stats, rng: random.Random) -> None:
        self._policy = policy
        self._stats = stats
        self._rng = rng
        self._jingle, self._sdp_over_xmpp = Jingle(), SdpOverXmpp()
        self._rung = 0
        self._calls: dict[str, Call] = {}
        self._calls_of: dict[Caller, list[Call]] = {}
        self._phones_of: dict[Caller, list[Phone]] = {}
        self._turns: deque[Phone] = deque()  # who is rung next, where inbound calls are asked for
        self._inbound: asyncio.TimerHandle | None = None

    def joined(self, phone: Phone) -> None:
        """A softphone has logged in."""
        self._phones_of.setdefault(phone.caller, []).append(phone)
        inbound = self._policy.inbound_calls
        if inbound is not None:
            self._turns.append(phone)
            if self._inbound is None:
                self._inbound = asyncio.get_running_loop().call_later(1 / inbound.rate, self._ring_next)

    def left(self, phone: Phone) -> None:
        """A softphone is gone, and its calls with it."""
        others = self._phones_of[phone.caller]
        others.remove(phone)
        if not others:
            del self._phones_of[phone.caller]
        if self._policy.inbound_calls is not None:
            self._turns.remove(phone)
        for call in tuple(self._calls_of.get(phone.caller, ())):
            if call.phone is phone:
                self._over(call, "ended" if call.answered else "unanswered")
            elif call.phone is None and not others:
                self._over(call, "retracted")

    def ring(self, user: Caller, *, autoanswer: bool, length_s: float | None = None) -> str | None:
        """Propose a call to every softphone of this user, now and until one takes it.

        Args:
            user: whose they are.
            autoanswer: whether they shall take it without being asked, as a call that they have asked for.
            length_s: after how many seconds the gateway ends it, once it is answered; None leaves that to them.

        Returns:
            The conversation that the call is, or None if the user has no softphone that is logged in.
        """
        if user not in self._phones_of:
            return None
        domain = self._policy.domain
        call = Call(user, self._next_bearer(), make_offer(self._rng), domain, autoanswer=autoanswer, length_s=length_s)
        self._calls[call.session_id] = call
        self._calls_of.setdefault(user, []).append(call)
        self._stats.calls["proposed"] += 1
        loop = asyncio.get_running_loop()
        call.ring_until = loop.time() + self._policy.ring_for_s
        call.timer = loop.call_soon(self._propose, call)  # behind the response to the request that asked for it
        return call.conversation_id

    def hear_message(self, phone: Phone, stanza: Element) -> None:
        """A softphone takes a call or declines it, and tells the user's others (XEP-0353)."""
        for said in stanza:
            namespace, _, verb = said.tag.rpartition("}")
            call = self._calls.get(said.get("id", ""))
            if namespace != f"{{{ns.JINGLE_MESSAGE}" or call is None or call.user != phone.caller:
                continue
            if stanza.get("to") == phone.bare_jid and verb in ("accept", "reject"):
                for other in self._phones_of[phone.caller]:
                    if other is not phone:
                        other.say(message(other.jid, phone.jid, _jingle_message(verb, call)))
            elif stanza.get("to") == call.gateway and call.phone is None:
                if verb == "proceed":
                    self._offer(call, phone)
                elif verb == "reject":
                    self._over(call, "declined")

    def hear_jingle(self, phone: Phone, request: Element, payload: Element) -> None:
        """A softphone says something about a call in Jingle."""
        self._hear(self._jingle, phone, request, payload)

    def hear_sdp_over_xmpp(self, phone: Phone, request: Element, payload: Element) -> None:
        """A softphone says something about a call in JSON-RPC."""
        self._hear(self._sdp_over_xmpp, phone, request, payload)

    def _hear(self, bearer: CallTransport, phone: Phone, request: Element, payload: Element) -> None:
        try:
            said = bearer.read(payload)
        except BadPayload:
            phone.say(iq_error(request, phone.jid, "modify", "bad-request"))
            return
        call = self._calls.get(said.about)
        if call is None or call.phone is not phone or call.bearer is not bearer:
            unknown = element("unknown-session", ns.JINGLE_ERRORS)
            phone.say(iq_error(request, phone.jid, "cancel", "item-not-found", unknown))
            return
        phone.say(iq_result(request, phone.jid))
        self._act(call, phone, said)

    def _act(self, call: Call, phone: Phone, said: CallMessage) -> None:
        if said.what == "answer" and not call.answered:
            self._answer(call, phone, said.answer)
        elif said.what == "active":
            self._stats.calls["active"] += 1
        elif said.what == "terminate":
            self._over(call, "ended" if call.answered else "declined")

    def _propose(self, call: Call) -> None:
        loop = asyncio.get_running_loop()
        phones = self._phones_of[call.user]
        if loop.time() >= call.ring_until:
            for phone in phones:
                phone.say(message(phone.jid, call.gateway, _jingle_message("retract", call)))
            self._over(call, "retracted")
            return
        for phone in phones:
            phone.say(message(phone.jid, call.gateway, self._proposal(call)))
        call.timer = loop.call_later(self._policy.propose_every_s, self._propose, call)

    def _proposal(self, call: Call) -> str:
        about = {
            "id": call.session_id,
            "inin-cid": call.conversation_id,
            "inin-autoanswer": "true" if call.autoanswer else None,
            "inin-sdp-over-xmpp": "true" if call.bearer is self._sdp_over_xmpp else None,
        }
        return element("propose", ns.JINGLE_MESSAGE, about)

    def _offer(self, call: Call, phone: Phone) -> None:
        call.phone = phone
        offer = call.bearer.offer(call.session_id, call.conversation_id, call.gateway, call.offer)
        self._request(call, phone, offer)
        self._then(call, self._policy.answer_within_s, "unanswered", "timeout")

    def _answer(self, call: Call, phone: Phone, answer: SessionDescription | None) -> None:
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
            self._then(call, call.length_s, "ended", "success")

    def _then(self, call: Call, delay_s: float, event: CallEvent, reason: str) -> None:
        """Hang up later, instead of whatever was to be done later."""
        if call.timer is not None:
            call.timer.cancel()
        call.timer = asyncio.get_running_loop().call_later(delay_s, self._hang_up, call, event, reason)

    def _hang_up(self, call: Call, event: CallEvent, reason: str) -> None:
        if call.phone is not None:
            self._request(call, call.phone, call.bearer.terminate(call.session_id, reason))
        self._over(call, event)

    def _request(self, call: Call, phone: Phone, payload: str) -> None:
        phone.say(iq("set", str(uuid.uuid4()), phone.jid, call.gateway, payload))

    def _over(self, call: Call, event: CallEvent) -> None:
        if call.timer is not None:
            call.timer.cancel()
        del self._calls[call.session_id]
        theirs = self._calls_of[call.user]
        theirs.remove(call)
        if not theirs:
            del self._calls_of[call.user]
        self._stats.calls[event] += 1

    def _next_bearer(self) -> CallTransport:
        """As many in the long run as the policy's share says, and evenly spread."""
        before = floor(self._rung * self._policy.sdp_over_xmpp)
        self._rung += 1
        return self._sdp_over_xmpp if floor(self._rung * self._policy.sdp_over_xmpp) > before else self._jingle

    def _ring_next(self) -> None:
        """Ring whoever's turn it is, passing over those who are in a call."""
        inbound = self._policy.inbound_calls
        assert inbound is not None
        for _ in range(len(self._turns)):
            phone = self._turns[0]
            self._turns.rotate(-1)
            if phone.caller not in self._calls_of:
                self.ring(phone.caller, autoanswer=False, length_s=inbound.length_s)
                break
        self._inbound = asyncio.get_running_loop().call_later(1 / inbound.rate, self._ring_next)


def _jingle_message(verb: str, call: Call) -> str:
    return element(verb, ns.JINGLE_MESSAGE, {"id": call.session_id})
