"""Calls: proposed, taken, offered, answered and ended, over each transport, and every way in which they fail."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import NamedTuple
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

import pytest

from locust_softphone.sdp import make_answer, parse
from tests.edge.conftest import StartEdge
from tests.edge.genesys_cloud.agent import NAMESPACES, Agent, Stream
from tests.edge.softphone import eventually
from tests.edge_process import EdgeProcess

JINGLE = "genesys_cloud: {sdp_over_xmpp: 0}"
SDP = "genesys_cloud: {sdp_over_xmpp: 1}"


class Proposal(NamedTuple):
    """A call as it was proposed."""

    session_id: str
    gateway: str
    attributes: dict[str, str]


def proposal(stream: Stream, verb: str = "propose") -> Proposal:
    """The Jingle message that comes next."""
    message = stream.receive("c:message")
    payload = message.find(f"message:{verb}", NAMESPACES)
    assert payload is not None, message[0].tag
    assert message.get("to") == stream.jid
    return Proposal(payload.get("id", ""), message.get("from", ""), payload.attrib)


def called(agent: Agent, stream: Stream) -> Proposal:
    """Request a call; returns its proposal."""
    response = agent.call()
    assert response.status == 200
    proposed = proposal(stream)
    assert proposed.attributes["inin-cid"] == response.json()["id"]
    assert proposed.attributes["inin-autoanswer"] == "true"
    return proposed


def rpc(method: str, **params: object) -> str:
    request = {"jsonrpc": "2.0", "method": method, "params": params}
    return f'<genesys-webrtc xmlns="genesys">{escape(json.dumps(request))}</genesys-webrtc>'


def jingle(action: str, session_id: str, content: str = "") -> str:
    return f'<jingle xmlns="{NAMESPACES["jingle"]}" action="{action}" sid="{session_id}">{content}</jingle>'


def rpc_of(request: Element) -> dict[str, object]:
    """The JSON-RPC request in an IQ."""
    found: dict[str, object] = json.loads(request.findtext("g:genesys-webrtc", "", NAMESPACES))
    return found


def offered_sdp(stream: Stream) -> str:
    """The edge's offer, which is acknowledged."""
    request = stream.receive("c:iq")
    stream.result_of(request)
    offer = rpc_of(request)
    assert offer["method"] == "offer"
    params = offer["params"]
    assert isinstance(params, dict)
    assert params["reinvite"] is False
    return str(params["sdp"])


def offered_jingle(stream: Stream) -> Element:
    """The edge's session-initiate, which is acknowledged."""
    request = stream.receive("c:iq")
    stream.result_of(request)
    initiate = request.find("jingle:jingle", NAMESPACES)
    assert initiate is not None
    assert initiate.get("action") == "session-initiate"
    return initiate


def session_accept(session_id: str, *, ufrag: str = "abcd", name: str = "0", setup: str = "active") -> str:
    """An answer in Jingle."""
    digest = ":".join(["AB"] * 32)
    fingerprint = f'<fingerprint xmlns="{NAMESPACES["dtls"]}" hash="sha-256" setup="{setup}">{digest}</fingerprint>'
    return jingle(
        "session-accept",
        session_id,
        f'<content creator="initiator" name="{name}" senders="both">'
        f'<description xmlns="{NAMESPACES["rtp"]}" media="audio">'
        '<payload-type id="111" name="opus" clockrate="48000" channels="2"/><rtcp-mux/></description>'
        f'<transport xmlns="{NAMESPACES["ice"]}" ufrag="{ufrag}" pwd="{"p" * 22}">{fingerprint}</transport></content>',
    )


def calls(edge: EdgeProcess) -> dict[str, int]:
    """The counters of calls that are not zero."""
    return {event: count for event, count in edge.stats().get("calls", {}).items() if count}


def test_a_call_over_sdp_over_xmpp(start_edge: StartEdge) -> None:
    edge = start_edge(SDP)
    alice = Agent(edge)
    with alice.stream() as stream:
        call = called(alice, stream)
        assert call.attributes["inin-sdp-over-xmpp"] == "true"
        assert "gjoll" in call.gateway.partition("@")[2]
        stream.message(call.gateway.upper().replace("/GATEWAY", "/gateway"), "proceed", call.session_id)  # RFC 7622 3.3
        answer = make_answer(parse(offered_sdp(stream)), random.Random(1))
        for payload in (
            rpc("answer", sessionId=call.session_id, sdp=answer),
            rpc("iceCandidate", sessionId=call.session_id, sdp="m=audio 9 RTP/AVP 0\r\na=end-of-candidates\r\n"),
            rpc("info", sessionId=call.session_id, status="active"),
            rpc("mute", sessionId=call.session_id, type="audio"),
            rpc("terminate", sessionId=call.session_id, reason="success"),
        ):
            assert stream.ask("set", payload, call.gateway).get("type") == "result"
    assert calls(edge) == {"proposed": 1, "answered": 1, "active": 1, "ended": 1}
    assert edge.stats()["sessions"]["answered"] == 1


def test_a_call_over_jingle(start_edge: StartEdge) -> None:
    edge = start_edge(JINGLE)
    alice = Agent(edge)
    with alice.stream() as stream:
        call = called(alice, stream)
        assert "inin-sdp-over-xmpp" not in call.attributes
        stream.message(call.gateway, "proceed", call.session_id)
        initiate = offered_jingle(stream)
        assert (initiate.get("sid"), initiate.get("initiator")) == (call.session_id, call.gateway)
        payloads = initiate.findall("jingle:content/rtp:description/rtp:payload-type", NAMESPACES)
        assert ("111", "opus", "48000", "2") in [
            tuple(payload.get(key) for key in ("id", "name", "clockrate", "channels")) for payload in payloads
        ]
        fingerprint = initiate.find("jingle:content/ice:transport/dtls:fingerprint", NAMESPACES)
        assert fingerprint is not None
        assert (fingerprint.get("hash"), fingerprint.get("setup")) == ("sha-256", "actpass")
        active = '<active xmlns="urn:xmpp:jingle:apps:rtp:info:1"/>'
        for payload in (
            session_accept(call.session_id),
            jingle("transport-info", call.session_id),
            jingle("session-info", call.session_id, active),
            jingle("session-terminate", call.session_id, "<reason><success/></reason>"),
        ):
            assert stream.ask("set", payload, call.gateway).get("type") == "result"
    assert calls(edge) == {"proposed": 1, "answered": 1, "active": 1, "ended": 1}


def test_the_policys_share_of_each_transport(start_edge: StartEdge) -> None:
    alice = Agent(start_edge("genesys_cloud: {sdp_over_xmpp: 0.25}"))
    with alice.stream() as stream:
        sdp_over_xmpp = [called(alice, stream).attributes.get("inin-sdp-over-xmpp") for _ in range(8)]
    assert sdp_over_xmpp == [None, None, None, "true", None, None, None, "true"]


BAD_JINGLE: list[Callable[[str], str]] = [
    lambda session_id: session_accept(session_id, ufrag="abc"),  # too short, RFC 8839 5.4
    lambda session_id: session_accept(session_id, name="1"),  # not the name in the offer
    lambda session_id: session_accept(session_id, setup="actpass"),  # not an answer to actpass, RFC 8842 5.3
    lambda session_id: jingle("session-accept", session_id),
]


@pytest.mark.parametrize("accept", BAD_JINGLE)
def test_a_wrong_session_accept_ends_the_call(start_edge: StartEdge, accept: Callable[[str], str]) -> None:
    edge = start_edge(JINGLE)
    alice = Agent(edge)
    with alice.stream() as stream:
        call = called(alice, stream)
        stream.message(call.gateway, "proceed", call.session_id)
        offered_jingle(stream)
        stream.ask("set", accept(call.session_id), call.gateway)
        terminate = stream.receive("c:iq").find("jingle:jingle", NAMESPACES)
        assert terminate is not None
        assert terminate.get("action") == "session-terminate"
        assert terminate.find("jingle:reason/jingle:failed-application", NAMESPACES) is not None
    assert calls(edge) == {"proposed": 1, "bad_answer": 1}


@pytest.mark.parametrize("sdp", [None, 5, "v=0", "v=0\r\no=- 1 1 IN IP4 0\r\ns=-\r\nt=0 0\r\n"])
def test_a_wrong_sdp_answer_ends_the_call(start_edge: StartEdge, sdp: object) -> None:
    edge = start_edge(SDP)
    alice = Agent(edge)
    with alice.stream() as stream:
        call = called(alice, stream)
        stream.message(call.gateway, "proceed", call.session_id)
        offered_sdp(stream)
        stream.ask("set", rpc("answer", sessionId=call.session_id, sdp=sdp), call.gateway)
        assert rpc_of(stream.receive("c:iq"))["method"] == "terminate"
    assert calls(edge) == {"proposed": 1, "bad_answer": 1}


def test_an_offer_that_is_not_answered_in_time_ends_the_call(start_edge: StartEdge) -> None:
    edge = start_edge("genesys_cloud: {sdp_over_xmpp: 1, answer_within: 200ms}")
    alice = Agent(edge)
    with alice.stream() as stream:
        call = called(alice, stream)
        stream.message(call.gateway, "proceed", call.session_id)
        offered_sdp(stream)
        assert rpc_of(stream.receive("c:iq"))["params"] == {"sessionId": call.session_id, "reason": "timeout"}
    assert calls(edge) == {"proposed": 1, "unanswered": 1}


def test_a_call_that_no_softphone_takes_is_proposed_again_and_then_retracted(start_edge: StartEdge) -> None:
    edge = start_edge("genesys_cloud: {propose_every: 100ms, ring_for: 350ms}")
    alice = Agent(edge)
    with alice.stream() as stream:
        call = called(alice, stream)
        messages = [stream.receive("c:message") for _ in range(3)]
        while messages[-1].find("message:retract", NAMESPACES) is None:
            assert messages[-1].find("message:propose", NAMESPACES) is not None
            messages.append(stream.receive("c:message"))
        stream.message(call.gateway, "proceed", call.session_id)  # too late
        assert stream.ask("get", f'<ping xmlns="{NAMESPACES["ping"]}"/>').get("type") == "result"
    assert calls(edge) == {"proposed": 1, "retracted": 1}


def test_a_call_can_be_declined_before_and_after_the_offer(start_edge: StartEdge) -> None:
    edge = start_edge(SDP)
    alice = Agent(edge)
    with alice.stream() as stream:
        call = called(alice, stream)
        stream.message(alice.jid, "reject", call.session_id)
        stream.message(call.gateway, "reject", call.session_id)
        eventually(lambda: calls(edge) == {"proposed": 1, "declined": 1})
        call = called(alice, stream)
        stream.message(call.gateway, "proceed", call.session_id)
        offered_sdp(stream)
        stream.ask("set", rpc("terminate", sessionId=call.session_id, reason="decline"), call.gateway)
    assert calls(edge) == {"proposed": 2, "declined": 2}


def test_two_softphones_of_one_user_ring_and_one_takes_the_call(start_edge: StartEdge) -> None:
    edge = start_edge(SDP)
    alice = Agent(edge)
    with alice.stream(resource="desk") as desk, alice.stream(resource="mobile") as mobile:
        call = called(alice, desk)
        assert proposal(mobile) == call
        mobile.message(call.gateway, "proceed", call.session_id)
        mobile.message(alice.jid, "accept", call.session_id)
        assert proposal(desk, "accept").gateway == mobile.jid
        offered_sdp(mobile)
        answer = rpc("answer", sessionId=call.session_id, sdp="v=0")
        refused = desk.ask("set", answer, call.gateway)
        assert refused.find("c:error/stanzas:item-not-found", NAMESPACES) is not None
        assert refused.find("c:error/errors:unknown-session", NAMESPACES) is not None
    eventually(lambda: calls(edge) == {"proposed": 1, "unanswered": 1})


def test_another_user_cannot_take_a_call(start_edge: StartEdge) -> None:
    edge = start_edge(SDP)
    alice, mallory = Agent(edge), Agent(edge, "mallory")
    with alice.stream() as stream, mallory.stream() as other:
        call = called(alice, stream)
        other.message(call.gateway, "proceed", call.session_id)
        other.message(alice.jid, "accept", call.session_id)
        assert other.ask("get", f'<ping xmlns="{NAMESPACES["ping"]}"/>').get("type") == "result"
        assert calls(edge) == {"proposed": 1}
    eventually(lambda: calls(edge) == {"proposed": 1, "retracted": 1})


def test_a_call_ends_when_its_softphone_disconnects(start_edge: StartEdge) -> None:
    edge = start_edge(SDP)
    alice = Agent(edge)
    with alice.stream() as stream:
        call = called(alice, stream)
        stream.message(call.gateway, "proceed", call.session_id)
        answer = make_answer(parse(offered_sdp(stream)), random.Random(1))
        stream.ask("set", rpc("answer", sessionId=call.session_id, sdp=answer), call.gateway)
    eventually(lambda: calls(edge) == {"proposed": 1, "answered": 1, "ended": 1})


def test_inbound_calls_go_to_the_free_softphones_one_after_the_other(start_edge: StartEdge) -> None:
    edge = start_edge(
        "genesys_cloud: {sdp_over_xmpp: 1, inbound_calls: {rate: 10/s, length: 200ms}, propose_every: 1h}"
    )
    alice, bob = Agent(edge), Agent(edge, "bob")
    with alice.stream() as first, bob.stream() as second:
        proposed = [proposal(first), proposal(second)]
        assert all("inin-autoanswer" not in each.attributes for each in proposed)
        call = proposed[0]
        first.message(call.gateway, "proceed", call.session_id)
        answer = make_answer(parse(offered_sdp(first)), random.Random(1))
        first.ask("set", rpc("answer", sessionId=call.session_id, sdp=answer), call.gateway)
        assert rpc_of(first.receive("c:iq"))["params"] == {"sessionId": call.session_id, "reason": "success"}
        assert proposal(first).session_id != call.session_id  # the next call; bob's still rings
