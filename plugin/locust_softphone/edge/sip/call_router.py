"""The calls: to another softphone, which the edge passes them on to, or to a number, which the edge answers itself.

    to a softphone    INVITE ──► its newest binding; the responses go back          counted with the final response
    to a number       100 ─ 180 ─ ring_for ─► 200 ─ ACK ─ talk_for ─► BYE           counted at once
    to anyone else    480

Every later request of a call goes to its other end: the edge puts itself into the route (RFC 3261 16.6, item 4).
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from locust_softphone.edge.edge_state import EdgeState
from locust_softphone.edge.replies import Refused
from locust_softphone.edge.sip.registrar import Registrar
from locust_softphone.edge.sip.sip_connection import SipConnection
from locust_softphone.edge.sip.sip_replies import PHRASES, may_be_passed_on, passed_back, passed_on, reply, top_branch
from locust_softphone.edge.stats import CallEvent, SipStep
from locust_softphone.sdp import SdpError, make_answer, make_offer, parse
from locust_softphone.sip_text import SipMessage, address, format_sip, user_of

__all__ = ["CallRouter"]

WITHIN_S = 32.0  # for a final response or an ACK: timers B and H
MOST_ASKED = 100_000  # requests within calls that are still unanswered
FINGERPRINT = ":".join(["AB"] * 32)  # no media flows, so there is no certificate

Count = Callable[[SipConnection, SipMessage, SipStep, str], None]


@dataclass(slots=True, eq=False)
class Call:
    """One call.

    Args:
        invite: the request that began it.
        caller: who sent it.
        caller_tag: the tag in its From.
        callee: the softphone that is called; None for the edge itself.
        branch: of the INVITE that was passed on.
        tag: of the edge, where it answers itself.
        timer: what comes next.
    """

    invite: SipMessage
    caller: SipConnection
    caller_tag: str
    callee: SipConnection | None = None
    branch: str = ""
    tag: str = ""
    counted: bool = False
    answered: bool = False
    confirmed: bool = False
    cseq: int = 0
    timer: asyncio.TimerHandle | None = None

    def other(self, sender_tag: str) -> SipConnection | None:
        """The other end than the one whose tag is in From; None for the edge itself."""
        return self.callee if sender_tag == self.caller_tag else self.caller

    def after(self, delay_s: float, act: Callable[..., object], *arguments: object) -> None:
        """Do something later; replaces what was to come next."""
        if self.timer is not None:
            self.timer.cancel()
        self.timer = asyncio.get_running_loop().call_later(delay_s, act, *arguments) if delay_s >= 0 else None


class CallRouter:
    """All calls of one edge.

    Args:
        state: of the edge.
        registrar: where users are registered.
        count: counts a decision about an offer.
    """

    def __init__(self, state: EdgeState, registrar: Registrar[SipConnection], count: Count) -> None:
        self._state = state
        self._policy = state.policy.sip
        self._registrar = registrar
        self._count = count
        self._calls: dict[str, Call] = {}  # by Call-ID
        self._calls_of: dict[SipConnection, set[Call]] = {}
        self._asked: dict[str, SipConnection] = {}  # who sent a request within a call, by the edge's branch
        self._host = self._policy.domain
        self._route = f"<sip:{self._host};transport=ws;lr>"

    def is_new(self, invite: SipMessage) -> bool:
        """Whether an INVITE outside of calls begins one; the CSeq of one that is sent again has been seen."""
        call = self._calls.get(invite.call_id)
        return call is None or call.invite.cseq[0] < invite.cseq[0]

    def begin(self, caller: SipConnection, invite: SipMessage, delay_s: float) -> None:
        """Begin a call.

        Args:
            caller: who calls.
            invite: the request.
            delay_s: how long its answer is delayed.

        Raises:
            Refused: with a SIP status, for a callee who is not there or an offer that cannot be answered.
        """
        if not may_be_passed_on(invite):
            raise Refused(483, "Too many hops")
        user = user_of(invite.uri)
        bindings = self._registrar.bindings(user, time.monotonic())
        call = Call(invite, caller, address(invite.get("from")).tag)
        if not bindings and not user.lstrip("+").isdigit():
            raise Refused(480, "The callee has not registered")
        answer = "" if bindings else self._answer_to(invite)
        self._add(call)
        self._state.stats.calls["proposed"] += 1
        caller.send(reply(invite, 100))
        if bindings:
            call.callee = bindings[-1].phone
            self._calls_of.setdefault(call.callee, set()).add(call)
            call.after(delay_s, self._pass_invite, call, bindings[-1].uri)
            return
        call.tag = secrets.token_hex(4)
        call.counted = True
        self._count(caller, invite, "offer", "admitted")
        rings_s = delay_s + self._policy.ring_for_s
        if rings_s:
            caller.send(reply(invite, 180, [("Contact", self._contact())], tag=call.tag))
            call.after(rings_s, self._answer, call, answer)
        else:
            self._answer(call, answer)

    def _answer_to(self, invite: SipMessage) -> str:
        try:
            if not invite.body.strip():
                return make_offer(self._state.rng)
            return make_answer(parse(invite.body), self._state.rng, FINGERPRINT)
        except SdpError as error:
            raise Refused(488, f"The offer cannot be answered: {error}") from error

    def _answer(self, call: Call, answer: str) -> None:
        call.answered = True
        headers = [("Contact", self._contact()), ("Allow", "INVITE, ACK, CANCEL, BYE, OPTIONS")]
        call.caller.send(reply(call.invite, 200, headers, tag=call.tag, body=answer))
        call.after(WITHIN_S, self._hang_up, call)

    def _pass_invite(self, call: Call, uri: str) -> None:
        call.branch = secrets.token_hex(8)
        if call.callee is not None:
            call.callee.send(passed_on(call.invite, self._host, call.branch, uri=uri, route=self._route))
        call.after(WITHIN_S, self._no_answer, call)

    def _no_answer(self, call: Call) -> None:
        """Give up a call that its callee does not answer."""
        self._cancel_callee(call)
        self._finish(call, 408)
        call.caller.send(reply(call.invite, 408, tag=secrets.token_hex(4)))

    # Requests within calls.

    def on_request(self, sender: SipConnection, request: SipMessage) -> bool:
        """Handle a request within a call, or a CANCEL; returns whether there is such a call."""
        call = self._calls.get(request.call_id)
        if call is None or sender not in (call.caller, call.callee):
            return False
        if request.method == "CANCEL":
            return self._on_cancel(call, request)
        sender_tag = address(request.get("from")).tag
        if request.method == "ACK":
            self._on_ack(call, request)
        if call.callee is None:
            self._on_request_to_edge(call, request)
        elif not call.answered and request.method == "ACK":
            pass  # of a refusal, which the edge confirmed at once
        else:
            self._pass_request(call, request, sender, call.other(sender_tag) or call.caller)
        if request.method == "BYE":
            self._end(call)
        return True

    def _on_ack(self, call: Call, request: SipMessage) -> None:
        if call.answered and not call.confirmed and request.cseq[0] == call.invite.cseq[0]:
            call.confirmed = True
            self._state.stats.calls["answered"] += 1
            self._state.stats.calls["active"] += 1
            call.caller.call_answered()
            talk_for_s = self._policy.talk_for_s if call.callee is None else None
            call.after(-1 if talk_for_s is None else talk_for_s, self._hang_up, call)

    def _on_request_to_edge(self, call: Call, request: SipMessage) -> None:
        """Answer a request to the edge as the callee."""
        headers, body = [("Contact", self._contact())], ""
        if request.method == "ACK":
            return
        if request.method == "INVITE":
            try:
                body = self._answer_to(request)
            except Refused as refused:
                call.caller.send(reply(request, refused.status, tag=call.tag))
                return
        call.caller.send(reply(request, 200, headers, tag=call.tag, body=body))

    def _pass_request(self, call: Call, request: SipMessage, sender: SipConnection, receiver: SipConnection) -> None:
        if not may_be_passed_on(request):
            sender.send(reply(request, 483, tag=secrets.token_hex(4)))
            return
        branch = secrets.token_hex(8)
        if request.method != "ACK":
            self._asked[branch] = sender
            if len(self._asked) > MOST_ASKED:
                del self._asked[next(iter(self._asked))]
        receiver.send(passed_on(request, self._host, branch, uri=request.uri))

    def _on_cancel(self, call: Call, request: SipMessage) -> bool:
        if call.caller.ended or request.cseq[0] != call.invite.cseq[0]:
            return False
        call.caller.send(reply(request, 200, tag=call.tag or secrets.token_hex(4)))
        if call.answered:
            return True
        if call.callee is not None and call.branch:
            self._cancel_callee(call)  # its 487 ends the call
        else:
            self._state.stats.calls["retracted"] += 1
            call.caller.send(reply(call.invite, 487, tag=call.tag or secrets.token_hex(4)))
            self._finish(call, 487)
        return True

    def _cancel_callee(self, call: Call) -> None:
        if call.callee is not None and call.branch:
            cancel = SipMessage("CANCEL", call.invite.uri, 0, dict(call.invite.headers), "")
            cancel.headers["cseq"] = [f"{call.invite.cseq[0]} CANCEL"]
            cancel.headers["via"] = []
            cancel.headers.pop("content-type", None)
            call.callee.send(passed_on(cancel, self._host, call.branch, uri=cancel.uri))

    # Responses to what was passed on.

    def on_response(self, sender: SipConnection, response: SipMessage) -> None:
        """Pass a response back to who asked."""
        if len(response.values("via")) < 2:
            return  # to a request of the edge itself
        branch = top_branch(response)
        back = passed_back(response, PHRASES.get(response.status, "Refused"))
        asker = self._asked.get(branch)
        if asker is not None:
            if response.status >= 200:
                del self._asked[branch]
            asker.send(back)
            return
        call = self._calls.get(response.call_id)
        if call is None or call.callee is not sender or response.cseq[1] != "INVITE" or call.branch != branch:
            return
        if response.status == 100:
            return
        if response.status >= 200:
            self._on_final(call, response)
        call.caller.send(back)

    def _on_final(self, call: Call, response: SipMessage) -> None:
        if response.status < 300:
            call.answered = True
            if not call.counted:
                call.counted = True
                self._count(call.caller, call.invite, "offer", "admitted")
                call.after(WITHIN_S, self._end, call)
            return
        ack = SipMessage("ACK", call.invite.uri, 0, dict(call.invite.headers), "")
        ack.headers |= {"to": [response.get("to")], "via": [], "cseq": [f"{call.invite.cseq[0]} ACK"]}
        ack.headers.pop("content-type", None)
        if call.callee is not None:
            call.callee.send(passed_on(ack, self._host, call.branch, uri=ack.uri))
        self._state.stats.calls["declined"] += response.status in (486, 600, 603)
        self._finish(call, response.status)

    # Ends.

    def disconnected(self, connection: SipConnection) -> None:
        """End the calls of a softphone that has disconnected."""
        for call in tuple(self._calls_of.get(connection, ())):
            if call.answered:
                self._end(call)
            elif connection is call.caller:
                self._cancel_callee(call)
                self._finish(call, 487)
            else:
                call.caller.send(reply(call.invite, 480, tag=secrets.token_hex(4)))
                self._finish(call, 480)
        for branch, asker in list(self._asked.items()):
            if asker is connection:
                del self._asked[branch]

    def _hang_up(self, call: Call) -> None:
        """End a call that the edge has answered: it has talked enough, or no ACK has come."""
        self._state.stats.calls["unanswered"] += not call.confirmed
        call.cseq += 1
        caller = address((call.invite.values("contact") or [call.invite.get("from")])[0]).uri
        to, local = call.invite.get("from"), f"{call.invite.get('to')};tag={call.tag}"
        headers = [
            ("Via", f"SIP/2.0/WS {self._host};branch=z9hG4bK{secrets.token_hex(8)}"), ("Max-Forwards", "70"),
            ("From", local), ("To", to), ("Call-ID", call.invite.call_id), ("CSeq", f"{call.cseq} BYE"),
        ]  # fmt: skip
        call.caller.send(format_sip(f"BYE {caller} SIP/2.0", headers))
        self._end(call)

    def _finish(self, call: Call, status: int) -> None:
        """End a call that was not answered, and count its offer as refused."""
        if not call.counted:
            call.counted = True
            self._count(call.caller, call.invite, "offer", str(status))
        self._end(call)

    def _end(self, call: Call) -> None:
        if call.timer is not None:
            call.timer.cancel()
        if self._calls.get(call.invite.call_id) is call:
            del self._calls[call.invite.call_id]
            event: CallEvent = "ended"
            self._state.stats.calls[event] += call.confirmed
        for each in (call.caller, call.callee):
            if each is not None and each in self._calls_of:
                self._calls_of[each].discard(call)
                if not self._calls_of[each]:
                    del self._calls_of[each]
        call.caller.free("offer")

    def _add(self, call: Call) -> None:
        self._calls[call.invite.call_id] = call
        self._calls_of.setdefault(call.caller, set()).add(call)

    def _contact(self) -> str:
        return f"<sip:edge@{self._host};transport=ws>"
