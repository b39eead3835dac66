"""What a softphone says in a call, stanza by stanza, and what it makes of an edge that goes astray."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from locust_softphone.sdp import check_answer, make_offer
from locust_softphone.sdp import parse as parse_sdp
from locust_softphone.signaling.dialects.genesys_cloud.calls import MOST_CALLS, PROPOSE, WEBRTC, Calls
from locust_softphone.signaling.xmpp.jingle import JINGLE
from locust_softphone.signaling.xmpp.stanza import Element, escape, parse
from tests.interop.test_prosody import INITIATE

ME, GATEWAY = "agent@edge.example/web", "gjoll@gateway.edge.example/1"
OFFER = make_offer(random.Random(3))


@pytest.fixture
def calls() -> Calls:
    ids = count(1)
    return Calls(ME, lambda: f"id{next(ids)}", ":".join(["AA"] * 32), random.Random(1))


def propose(sid: str = "sid-1", conversation: str = "conversation-1") -> Element:
    text = f'<propose xmlns="urn:xmpp:jingle-message:0" id="{sid}" inin-cid="{conversation}" inin-autoanswer="true"/>'
    element = parse(text)
    assert element.name == PROPOSE
    return element


def webrtc(method: str, /, **params: Any) -> Element:
    request = {"jsonrpc": "2.0", "id": "1", "method": method, "params": {"sessionId": "sid-1", **params}}
    return webrtc_text(json.dumps(request))


def webrtc_text(text: str) -> Element:
    element = parse(f'<genesys-webrtc xmlns="genesys">{escape(text)}</genesys-webrtc>')
    assert element.name == WEBRTC
    return element


def jingle(action: str) -> Element:
    initiate = INITIATE.format(me=GATEWAY)
    element = parse(initiate.replace("session-initiate", action))
    assert element.name == JINGLE
    return element


def said(stanzas: list[str]) -> list[Element]:
    return [parse(stanza) for stanza in stanzas]


def requests(stanzas: list[str]) -> list[dict[str, Any]]:
    """The JSON-RPC in iqs, which must go to the gateway."""
    found = []
    for iq in said(stanzas):
        assert (iq.get("type"), iq.get("to"), iq.get("from")) == ("set", GATEWAY, ME)
        found.append(json.loads(iq.children[0].text))
    return found


def test_a_proposal_is_taken_at_once_and_the_users_other_clients_are_told(calls: Calls) -> None:
    proceed, accept = said(calls.proposed(GATEWAY, propose()))
    assert (proceed.get("to"), proceed.children[0].name) == (GATEWAY, "urn:xmpp:jingle-message:0 proceed")
    assert (accept.get("to"), accept.children[0].name) == ("agent@edge.example", "urn:xmpp:jingle-message:0 accept")
    assert {stanza.children[0].get("id") for stanza in (proceed, accept)} == {"sid-1"}


def test_a_repeated_proposal_gets_another_proceed_and_nothing_else(calls: Calls) -> None:
    calls.proposed(GATEWAY, propose())
    (proceed,) = said(calls.proposed(GATEWAY, propose()))
    assert proceed.children[0].name == "urn:xmpp:jingle-message:0 proceed"


def test_a_call_with_sdp_over_xmpp(calls: Calls) -> None:
    calls.proposed(GATEWAY, propose())
    stanzas = calls.told(GATEWAY, webrtc("offer", sdp=OFFER, conversationId="conversation-1", reinvite=False))
    answer, candidate, end = requests(stanzas)
    assert [request["method"] for request in (answer, candidate, end)] == ["answer", "iceCandidate", "iceCandidate"]
    check_answer(parse_sdp(OFFER), parse_sdp(answer["params"]["sdp"]))
    assert candidate["params"]["sdp"].startswith("m=audio 9 RTP/AVP 0\r\na=candidate:")
    assert end["params"] == {"sessionId": "sid-1", "sdp": "a=end-of-candidates\r\n"}
    assert len({request["id"] for request in (answer, candidate, end)}) == 3

    (active,) = (stanzas_active := calls.settled(parse(stanzas[0]).get("id"), well=True))
    assert requests([active])[0]["method"] == "info"
    assert requests([active])[0]["params"] == {"sessionId": "sid-1", "status": "active"}
    assert calls.become_active == []
    assert calls.settled(parse(stanzas_active[0]).get("id"), well=True) == []
    assert [call.conversation for call in calls.become_active] == ["conversation-1"]

    (bye,) = requests(calls.end_all())
    assert (bye["method"], bye["params"]) == ("terminate", {"sessionId": "sid-1", "reason": "success"})
    assert calls.end_all() == []


def test_a_call_over_jingle(calls: Calls) -> None:
    calls.proposed(GATEWAY, propose())
    stanzas = calls.told_by_jingle(GATEWAY, jingle("session-initiate"))
    actions = [stanza.children[0].get("action") for stanza in said(stanzas)]
    assert actions == ["session-accept", "transport-info", "transport-info"]
    (active,) = said(calls.settled(parse(stanzas[0]).get("id"), well=True))
    assert active.children[0].get("action") == "session-info"
    calls.settled(active.get("id"), well=True)
    assert len(calls.become_active) == 1
    (bye,) = said(calls.end_all())
    assert bye.children[0].get("action") == "session-terminate"


def test_a_later_offer_is_answered_and_the_call_stays_as_it_is(calls: Calls) -> None:
    calls.proposed(GATEWAY, propose())
    first = calls.told(GATEWAY, webrtc("offer", sdp=OFFER))
    active = calls.settled(parse(first[0]).get("id"), well=True)
    calls.settled(parse(active[0]).get("id"), well=True)
    again = calls.told(GATEWAY, webrtc("offer", sdp=OFFER, reinvite=True))
    assert requests(again)[0]["method"] == "answer"
    assert calls.settled(parse(again[0]).get("id"), well=True) == []
    assert len(calls.become_active) == 1


ENDS: dict[str, Callable[[Calls], object]] = {
    "the caller gives up": lambda calls: calls.retracted("sid-1"),
    "the edge hangs up before the answer": lambda calls: calls.told(GATEWAY, webrtc("terminate", reason="x")),
    "an offer without SDP": lambda calls: calls.told(GATEWAY, webrtc("offer")),
    "an offer that is no SDP": lambda calls: calls.told(GATEWAY, webrtc("offer", sdp="hello")),
    "an offer with nothing to accept": lambda calls: calls.told(
        GATEWAY, webrtc("offer", sdp=OFFER.replace("m=audio", "m=video"))
    ),
    "a session-initiate with nothing to accept": lambda calls: calls.told_by_jingle(
        GATEWAY, parse('<jingle xmlns="urn:xmpp:jingle:1" action="session-initiate" sid="sid-1"/>')
    ),
    "a session-terminate": lambda calls: calls.told_by_jingle(GATEWAY, jingle("session-terminate")),
}


@pytest.mark.parametrize("end", ENDS)
def test_a_call_that_does_not_come_about(calls: Calls, end: str) -> None:
    calls.proposed(GATEWAY, propose())
    call = calls.of_conversation("conversation-1")
    assert call is not None
    ENDS[end](calls)
    assert call.state == "failed"
    assert calls.of_conversation("conversation-1") is None


def test_an_answer_that_the_edge_refuses_fails_the_call(calls: Calls) -> None:
    calls.proposed(GATEWAY, propose())
    call = calls.of_conversation("conversation-1")
    stanzas = calls.told(GATEWAY, webrtc("offer", sdp=OFFER))
    assert calls.settled(parse(stanzas[0]).get("id"), well=False) == []
    assert call is not None
    assert call.state == "failed"


@pytest.mark.parametrize(
    ("peer", "told"),
    [
        ("somebody@else", webrtc("offer", sdp=OFFER)),  # who has not proposed it
        (GATEWAY, webrtc_text("[]")),
        (GATEWAY, webrtc_text("{")),
        (GATEWAY, webrtc_text("[" * 10_000)),
        (GATEWAY, webrtc_text('{"method": "offer", "params": "sid-1"}')),
        (GATEWAY, webrtc_text('{"method": "offer", "params": {"sessionId": ["sid-1"]}}')),
        (GATEWAY, webrtc("somersault")),
    ],
)
def test_what_is_none_of_a_calls_business_is_let_pass(calls: Calls, peer: str, told: Element) -> None:
    calls.proposed(GATEWAY, propose())
    assert calls.told(peer, told) == []
    assert calls.of_conversation("conversation-1") is not None


def test_no_edge_can_make_a_softphone_hold_calls_without_end(calls: Calls) -> None:
    for number in range(MOST_CALLS):
        assert calls.proposed(GATEWAY, propose(f"sid-{number}"))
    assert calls.proposed(GATEWAY, propose("one more")) == []
    assert calls.proposed(GATEWAY, propose("")) == []
