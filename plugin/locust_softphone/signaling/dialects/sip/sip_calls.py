"""The calls on one WebSocket, and the answers to requests that come over it. No I/O: the messages to send are returned.

    INVITE     180, and 200 when it has rung; 488 for an offer that cannot be answered; 200 within a call (re-INVITE)
    CANCEL     200, and 487 for an INVITE that is still ringing
    ACK        none; the call that it confirms is established
    BYE        200; 481 without such a call
    OPTIONS    200                             anything else: 405

A 200 to an INVITE is sent again until its ACK comes, after 500 ms and then in steps that double up to 4 s (RFC 3261
13.3.1.4). Without one after 32 s, the call is ended (timer H). The other timers are for transports that lose messages.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import inf
from random import Random

from locust_softphone import sdp
from locust_softphone.signaling.dialects.sip.dialog import Dialog
from locust_softphone.signaling.dialects.sip.sip_requests import ALLOW, SUPPORTED, Identity, answer_to
from locust_softphone.sip_text import SipError, SipMessage, address

__all__ = ["TIMER_H_S", "Calls"]

_T1_S, _T2_S = 0.5, 4.0  # RFC 3261 17.1.1.1
TIMER_H_S = 64 * _T1_S
_UNDERSTOOD = frozenset({"outbound", "gruu", "path", "100rel"})
_ABILITIES = (("Allow", ALLOW), ("Supported", SUPPORTED))


@dataclass(slots=True)
class _Ringing:
    """A call to the softphone that rings, or whose 200 has not been confirmed.

    Args:
        invite: the request.
        dialog: the dialog, once it is established.
        answer: the SDP to answer with.
        due_s: when to answer, or to send the answer again.
        again_s: the time until the answer is sent the next time.
        give_up_s: when the call is ended without an ACK.
    """

    invite: SipMessage
    dialog: Dialog
    answer: str
    due_s: float
    again_s: float = 0.0
    give_up_s: float = inf
    sent: str = ""


@dataclass(slots=True)
class Calls:
    """The calls on one WebSocket.

    Args:
        identity: of the softphone.
        random: makes ICE credentials and ids.
        answer_after_s: how long a call rings before it is answered.

    Attributes:
        established: the calls of others that were established, since this was last emptied.
    """

    identity: Identity
    random: Random
    answer_after_s: float
    established: int = 0
    _dialogs: dict[tuple[str, str], Dialog] = field(default_factory=dict)
    _ringing: dict[str, _Ringing] = field(default_factory=dict)  # by the branch of the INVITE

    @property
    def due_s(self) -> float:
        """When to call ``due`` next."""
        return min((min(each.due_s, each.give_up_s) for each in self._ringing.values()), default=inf)

    def add(self, dialog: Dialog) -> None:
        """Add a call that the softphone has made."""
        self._dialogs[dialog.key] = dialog

    def end_all(self) -> list[str]:
        """End all calls: the requests that say so."""
        dialogs = [*self._dialogs.values()]
        refused = [
            answer_to(each.invite, 480, "Temporarily Unavailable", tag=each.dialog.key[1])
            for each in self._ringing.values()
            if not each.sent
        ]
        self._dialogs.clear()
        self._ringing.clear()
        return [*refused, *(dialog.bye() for dialog in dialogs)]

    def due(self, now_s: float) -> list[str]:
        """What is to be sent now: answers to calls that have rung, answers again, or the end of calls without ACK."""
        messages = deque[str]()
        for branch, call in list(self._ringing.items()):
            if now_s >= call.give_up_s:
                del self._ringing[branch]
                self._dialogs.pop(call.dialog.key, None)
                messages.append(call.dialog.bye())
            elif now_s >= call.due_s:
                messages.append(self._answer(call, now_s))
        return list(messages)

    def on_request(self, request: SipMessage, now_s: float) -> list[str]:
        """The messages that answer a request.

        Raises:
            SipError: a header of the request cannot be read.
        """
        method = request.method
        if method == "INVITE":
            return self._on_invite(request, now_s)
        if method == "ACK":
            return self._on_ack(request)
        if method == "CANCEL":
            return self._on_cancel(request)
        if method == "BYE":
            return self._on_bye(request)
        if method == "OPTIONS":
            accept = ("Accept", "application/sdp")
            return [self._reply(request, 200, "OK", *_ABILITIES, accept)]
        return [self._reply(request, 405, "Method Not Allowed", ("Allow", ALLOW))]

    def _on_invite(self, request: SipMessage, now_s: float) -> list[str]:
        if needed := [each for each in request.values("require") if each.lower() not in _UNDERSTOOD]:
            return [self._reply(request, 420, "Bad Extension", ("Unsupported", ", ".join(needed)))]
        branch = _branch(request)
        if branch in self._ringing:  # sent again
            return [self._ringing[branch].sent] if self._ringing[branch].sent else []
        tag = address(request.get("to")).tag
        known = self._dialogs.get((request.call_id, tag)) if tag else None
        if tag and known is None:
            return [self._reply(request, 481, "Call/Transaction Does Not Exist")]
        try:
            answer = self._description(request.body)
        except sdp.SdpError:
            return [self._reply(request, 488, "Not Acceptable Here")]
        dialog = known or Dialog.of_request(self.identity, request, self.identity.new_token())
        if known is not None:
            if request.cseq[0] <= known.remote_cseq >= 0:  # RFC 3261 12.2.2
                return [self._reply(request, 500, "Server Internal Error")]
            known.remote_cseq = request.cseq[0]
            contacts = request.values("contact")
            known.target = address(contacts[0]).uri if contacts else known.target
        call = self._ringing[branch] = _Ringing(request, dialog, answer, now_s + self.answer_after_s)
        if known is not None:
            return [self._answer(call, now_s)]
        ringing = answer_to(request, 180, "Ringing", tag=dialog.key[1], headers=self._contact())
        return [ringing] if self.answer_after_s else [ringing, self._answer(call, now_s)]

    def _answer(self, call: _Ringing, now_s: float) -> str:
        """The 200, for the first time or again."""
        if not call.sent:
            self._dialogs[call.dialog.key] = call.dialog
            headers = [
                *(("Record-Route", each) for each in call.invite.headers.get("record-route", ())),
                *self._contact(),
                *_ABILITIES,
            ]
            tag = call.dialog.key[1]
            call.sent = answer_to(call.invite, 200, "OK", tag=tag, headers=headers, body=call.answer)
            call.give_up_s = now_s + TIMER_H_S
        call.again_s = min(call.again_s * 2, _T2_S) or _T1_S
        call.due_s = now_s + call.again_s
        return call.sent

    def _on_ack(self, request: SipMessage) -> list[str]:
        key = request.call_id, address(request.get("to")).tag
        for branch, call in self._ringing.items():
            if call.dialog.key == key and call.sent and call.invite.cseq[0] == request.cseq[0]:
                del self._ringing[branch]
                self.established += ";tag=" not in call.invite.get("to")
                break
        return []

    def _on_cancel(self, request: SipMessage) -> list[str]:
        call = self._ringing.get(_branch(request))
        if call is None:
            return [self._reply(request, 481, "Call/Transaction Does Not Exist")]
        tag = call.dialog.key[1]
        done = answer_to(request, 200, "OK", tag=tag)
        if call.sent:  # too late, RFC 3261 9.2
            return [done]
        del self._ringing[_branch(request)]
        return [done, answer_to(call.invite, 487, "Request Terminated", tag=tag)]

    def _on_bye(self, request: SipMessage) -> list[str]:
        dialog = self._dialogs.pop((request.call_id, address(request.get("to")).tag), None)
        if dialog is None:
            return [self._reply(request, 481, "Call/Transaction Does Not Exist")]
        for branch, call in list(self._ringing.items()):
            if call.dialog is dialog:
                del self._ringing[branch]
        return [self._reply(request, 200, "OK")]

    def _description(self, offer: str) -> str:
        """The answer to an offer; an offer where the INVITE has none (RFC 3261 13.2.1)."""
        if not offer.strip():
            return sdp.make_offer(self.random)
        return sdp.make_answer(sdp.parse(offer), self.random)

    def _reply(self, request: SipMessage, status: int, reason: str, *headers: tuple[str, str]) -> str:
        return answer_to(request, status, reason, tag=self.identity.new_token(), headers=headers)

    def _contact(self) -> Iterator[tuple[str, str]]:
        yield "Contact", f"<{self.identity.contact_uri}>"


def _branch(request: SipMessage) -> str:
    """The branch of the topmost Via, without its other parameters.

    Raises:
        SipError: there is none.
    """
    _, found, rest = request.get("via").partition("branch=")
    if not found:
        raise SipError("a request without a branch in Via")
    return rest.partition(";")[0].partition(",")[0].strip()
