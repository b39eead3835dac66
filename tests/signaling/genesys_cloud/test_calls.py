"""The stanzas of a call, one by one, and edges that send something unexpected."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from itertools import count
from typing import Any
from xml.etree.ElementTree import Element

import pytest

from locust_softphone.sdp import check_answer, make_offer
from locust_softphone.sdp import parse as parse_sdp
from locust_softphone.signaling.dialects.genesys_cloud.calls import (
    MAX_CALLS,
    PROPOSE,
    REMEMBERED_REINVITES,
    WEBRTC,
    Calls,
)
from locust_softphone.signaling.xmpp.jingle import JINGLE
from locust_softphone.signaling.xmpp.stanza import escape
from locust_softphone.untrusted import xml_element as parse
from tests.interop.test_prosody import INITIATE

ME, GATEWAY = "agent@edge.example/web", "gjoll@gateway.edge.example/1"
OFFER = make_offer(random.Random(3))


@pytest.fixture
def calls() -> Calls:
    ids = count(1)
    return Calls(ME, lambda: f"id{next(ids)}", ":".join(["AA"] * 32), random.Random(1))


def propose(sid: str = "sid-1", conversation: str = "conversation-1", more: str = "") -> Element:
    about = f'id="{sid}" inin-cid="{conversation}" inin-autoanswer="true" {more}'
    element = parse(f'<propose xmlns="urn:xmpp:jingle-message:0" {about}/>')
    assert element.tag == PROPOSE
    return element


def webrtc(method: str, id_: object = "1", /, **params: Any) -> Element:
    request = {"jsonrpc": "2.0", "id": id_, "method": method, "params": {"sessionId": "sid-1", **params}}
    return webrtc_text(json.dumps(request))


def webrtc_text(text: str) -> Element:
    element = parse(f'<genesys-webrtc xmlns="genesys">{escape(text)}</genesys-webrtc>')
    assert element.tag == WEBRTC
    return element


def jingle(action: str) -> Element:
    initiate = INITIATE.format(me=GATEWAY)
    element = parse(initiate.replace("session-initiate", action))
    assert element.tag == JINGLE
    return element


def parsed(stanzas: list[str]) -> list[Element]:
    return [parse(stanza) for stanza in stanzas]


def requests(stanzas: list[str]) -> list[dict[str, Any]]:
    """The JSON-RPC in iqs, which must go to the gateway."""
    found = []
    for iq in parsed(stanzas):
        assert (iq.get("type"), iq.get("to"), iq.get("from")) == ("set", GATEWAY, ME)
        found.append(json.loads(iq[0].text or ""))
    return found


def test_a_proposal_is_accepted_at_once_and_the_users_other_clients_are_informed(calls: Calls) -> None:
    proceed, accept = parsed(calls.proposed(GATEWAY, propose()))
    assert (proceed.get("to"), proceed[0].tag) == (GATEWAY, "{urn:xmpp:jingle-message:0}proceed")
    assert (accept.get("to"), accept[0].tag) == ("agent@edge.example", "{urn:xmpp:jingle-message:0}accept")
    assert {stanza[0].get("id") for stanza in (proceed, accept)} == {"sid-1"}


def test_a_repeated_proposal_gets_another_proceed_and_nothing_else(calls: Calls) -> None:
    calls.proposed(GATEWAY, propose())
    (proceed,) = parsed(calls.proposed(GATEWAY, propose()))
    assert proceed[0].tag == "{urn:xmpp:jingle-message:0}proceed"


def test_a_call_with_sdp_over_xmpp(calls: Calls) -> None:
    calls.proposed(GATEWAY, propose())
    stanzas = calls.on_webrtc(GATEWAY, webrtc("offer", sdp=OFFER, conversationId="conversation-1", reinvite=False))
    answer, candidate, end = requests(stanzas)
    assert [request["method"] for request in (answer, candidate, end)] == ["answer", "iceCandidate", "iceCandidate"]
    check_answer(parse_sdp(OFFER), parse_sdp(answer["params"]["sdp"]))
    assert candidate["params"]["sdp"].startswith("m=audio 9 RTP/AVP 0\r\na=candidate:")
    assert end["params"] == {"sessionId": "sid-1", "sdp": "a=end-of-candidates\r\n"}
    assert len({request["id"] for request in (answer, candidate, end)}) == 3

    (active,) = (stanzas_active := calls.acknowledged(parse(stanzas[0]).get("id", ""), ok=True))
    assert requests([active])[0]["method"] == "info"
    assert requests([active])[0]["params"] == {"sessionId": "sid-1", "status": "active"}
    assert calls.become_active == []
    assert calls.acknowledged(parse(stanzas_active[0]).get("id", ""), ok=True) == []
    assert [call.conversation for call in calls.become_active] == ["conversation-1"]

    (bye,) = requests(calls.end_all())
    assert (bye["method"], bye["params"]) == ("terminate", {"sessionId": "sid-1", "reason": "success"})
    assert calls.end_all() == []


def test_a_call_over_jingle(calls: Calls) -> None:
    calls.proposed(GATEWAY, propose())
    stanzas = calls.on_jingle(GATEWAY, jingle("session-initiate"))
    actions = [stanza[0].get("action") for stanza in parsed(stanzas)]
    assert actions == ["session-accept", "transport-info", "transport-info"]
    (active,) = parsed(calls.acknowledged(parse(stanzas[0]).get("id", ""), ok=True))
    assert active[0].get("action") == "session-info"
    calls.acknowledged(active.get("id", ""), ok=True)
    assert len(calls.become_active) == 1
    (bye,) = parsed(calls.end_all())
    assert bye[0].get("action") == "session-terminate"


def make_active(calls: Calls, answer: list[str]) -> None:
    """Acknowledge an answer, and what the softphone says then."""
    (active,) = calls.acknowledged(parse(answer[0]).get("id", ""), ok=True)
    calls.acknowledged(parse(active).get("id", ""), ok=True)
    assert [call.state for call in calls.become_active] == ["active"]


def test_a_second_offer_is_answered_and_the_call_stays_active(calls: Calls) -> None:
    calls.proposed(GATEWAY, propose())
    make_active(calls, calls.on_webrtc(GATEWAY, webrtc("offer", sdp=OFFER)))
    again = calls.on_webrtc(GATEWAY, webrtc("offer", sdp=OFFER, reinvite=True))
    assert requests(again)[0]["method"] == "answer"
    assert calls.acknowledged(parse(again[0]).get("id", ""), ok=True) == []
    assert len(calls.become_active) == 1


def test_a_repeated_reinvite_is_answered_once_for_each_id(calls: Calls) -> None:
    calls.proposed(GATEWAY, propose())
    make_active(calls, calls.on_webrtc(GATEWAY, webrtc("offer", sdp=OFFER)))
    ids = ("r1", "r1", "r2", "r1", 3, 3, None, None, "r2")
    answered = [id_ for id_ in ids if calls.on_webrtc(GATEWAY, webrtc("offer", id_, sdp=OFFER, reinvite=True))]
    assert answered == ["r1", "r2", 3, None]
    assert calls.on_webrtc(GATEWAY, webrtc("offer", "r1", sdp=OFFER))  # not a reinvite: negotiated again


def test_only_the_last_reinvites_are_remembered(calls: Calls) -> None:
    calls.proposed(GATEWAY, propose())
    for number in range(REMEMBERED_REINVITES + 1):
        assert calls.on_webrtc(GATEWAY, webrtc("offer", number, sdp=OFFER, reinvite=True))
    assert calls.on_webrtc(GATEWAY, webrtc("offer", 0, sdp=OFFER, reinvite=True))


@pytest.mark.parametrize("flag", ["true", "1"])
def test_what_comes_over_jingle_is_ignored_in_a_call_that_was_proposed_for_sdp_over_xmpp(
    calls: Calls, flag: str
) -> None:
    calls.proposed(GATEWAY, propose(more=f'inin-sdp-over-xmpp="{flag}"'))
    calls.proposed(GATEWAY, propose())  # repeated without the flag, which changes nothing
    assert calls.on_jingle(GATEWAY, jingle("session-initiate")) == []
    make_active(calls, calls.on_webrtc(GATEWAY, webrtc("offer", sdp=OFFER)))
    assert calls.on_jingle(GATEWAY, jingle("session-initiate")) == []
    assert calls.on_jingle(GATEWAY, jingle("session-terminate")) == []
    assert [request["method"] for request in requests(calls.end_all())] == ["terminate"]


def test_what_comes_over_jingle_is_ignored_after_an_offer_over_xmpp(calls: Calls) -> None:
    calls.proposed(GATEWAY, propose())
    make_active(calls, calls.on_webrtc(GATEWAY, webrtc("offer", sdp=OFFER)))
    assert calls.on_jingle(GATEWAY, jingle("session-initiate")) == []
    assert [request["method"] for request in requests(calls.end_all())] == ["terminate"]


def test_no_second_offer_hangs_up_an_active_call(calls: Calls) -> None:
    calls.proposed(GATEWAY, propose())
    make_active(calls, calls.on_jingle(GATEWAY, jingle("session-initiate")))
    assert calls.on_jingle(GATEWAY, jingle("session-initiate")) == []
    assert (
        calls.on_jingle(GATEWAY, parse('<jingle xmlns="urn:xmpp:jingle:1" action="session-initiate" sid="sid-1"/>'))
        == []
    )
    assert calls.on_webrtc(GATEWAY, webrtc("offer", sdp="hello")) == []  # RFC 3264 8: the session stays as it is
    (call,) = calls.become_active
    assert call.state == "active"
    assert len(calls.end_all()) == 1


@pytest.mark.parametrize("peer", ["GJOLL@Gateway.Edge.Example/1", "\uff47joll@gateway.edge.example./1"])
def test_the_gateway_is_the_same_in_another_spelling(calls: Calls, peer: str) -> None:
    calls.proposed(GATEWAY, propose())
    assert calls.on_webrtc(peer, webrtc("offer", sdp=OFFER))
    assert calls.on_webrtc(peer.replace("/1", "/2"), webrtc("offer", sdp=OFFER)) == []


ENDS: dict[str, Callable[[Calls], object]] = {
    "the caller gives up": lambda calls: calls.retracted("sid-1"),
    "the edge hangs up before the answer": lambda calls: calls.on_webrtc(GATEWAY, webrtc("terminate", reason="x")),
    "an offer without SDP": lambda calls: calls.on_webrtc(GATEWAY, webrtc("offer")),
    "an offer that is not SDP": lambda calls: calls.on_webrtc(GATEWAY, webrtc("offer", sdp="hello")),
    "an offer with nothing to accept": lambda calls: calls.on_webrtc(
        GATEWAY, webrtc("offer", sdp=OFFER.replace("m=audio", "m=video"))
    ),
    "a session-initiate with nothing to accept": lambda calls: calls.on_jingle(
        GATEWAY, parse('<jingle xmlns="urn:xmpp:jingle:1" action="session-initiate" sid="sid-1"/>')
    ),
    "a session-terminate": lambda calls: calls.on_jingle(GATEWAY, jingle("session-terminate")),
}


@pytest.mark.parametrize("end", ENDS)
def test_a_call_that_ends_before_it_is_active_has_failed(calls: Calls, end: str) -> None:
    calls.proposed(GATEWAY, propose())
    call = calls.of_conversation("conversation-1")
    assert call is not None
    ENDS[end](calls)
    assert call.state == "failed"
    assert calls.of_conversation("conversation-1") is None


def test_an_answer_that_the_edge_refuses_fails_the_call(calls: Calls) -> None:
    calls.proposed(GATEWAY, propose())
    call = calls.of_conversation("conversation-1")
    stanzas = calls.on_webrtc(GATEWAY, webrtc("offer", sdp=OFFER))
    assert calls.acknowledged(parse(stanzas[0]).get("id", ""), ok=False) == []
    assert call is not None
    assert call.state == "failed"


@pytest.mark.parametrize(
    ("peer", "element"),
    [
        ("somebody@else", webrtc("offer", sdp=OFFER)),  # not the peer that proposed the call
        (GATEWAY, webrtc_text("[]")),
        (GATEWAY, webrtc_text("{")),
        (GATEWAY, webrtc_text("[" * 10_000)),
        (GATEWAY, webrtc_text('{"method": "offer", "params": "sid-1"}')),
        (GATEWAY, webrtc_text('{"method": "offer", "params": {"sessionId": ["sid-1"]}}')),
        (GATEWAY, webrtc("somersault")),
    ],
)
def test_elements_that_concern_no_open_call_are_ignored(calls: Calls, peer: str, element: Element) -> None:
    calls.proposed(GATEWAY, propose())
    assert calls.on_webrtc(peer, element) == []
    assert calls.of_conversation("conversation-1") is not None


def test_the_number_of_open_calls_is_bounded(calls: Calls) -> None:
    for number in range(MAX_CALLS):
        assert calls.proposed(GATEWAY, propose(f"sid-{number}"))
    assert calls.proposed(GATEWAY, propose("one more")) == []
    assert calls.proposed(GATEWAY, propose("")) == []
