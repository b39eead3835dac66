"""The XMPP layer against a foreign server: two users log in to Prosody and have a Jingle call.

The caller plays the gateway with stanzas written in this test; the callee is the code that answers calls in a run.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from random import Random
from xml.etree.ElementTree import Element

import pytest

from locust_softphone.errors import AttemptFailed
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.signaling.dialects.genesys_cloud.calls import PROPOSE, Calls
from locust_softphone.signaling.target import Target
from locust_softphone.signaling.websocket import Connection
from locust_softphone.signaling.xmpp.jingle import JINGLE
from locust_softphone.signaling.xmpp.login import log_in
from locust_softphone.signaling.xmpp.stanza import IQ, MESSAGE
from locust_softphone.signaling.xmpp.xml_stream import SUBPROTOCOL, XmppStream
from tests.interop.prosody import DOMAIN, prosody

PATIENCE_S = 30.0
USERS = {"gjoll": "of-the-gateway", "agent": "of <the> \"agent\" & 'nobody' else"}
INITIATE = (
    '<jingle xmlns="urn:xmpp:jingle:1" action="session-initiate" initiator="{me}" sid="sid-1">'
    '<content creator="initiator" name="audio" senders="both">'
    '<description xmlns="urn:xmpp:jingle:apps:rtp:1" media="audio">'
    '<payload-type id="96" name="telephone-event" clockrate="8000"/>'
    '<payload-type id="111" name="opus" clockrate="48000" channels="2"/><rtcp-mux/></description>'
    '<transport xmlns="urn:xmpp:jingle:transports:ice-udp:1" ufrag="abcd" pwd="0123456789012345678901">'
    '<fingerprint xmlns="urn:xmpp:jingle:apps:dtls:0" hash="sha-256" setup="actpass">AA:BB</fingerprint>'
    "</transport></content></jingle>"
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    escaped = {name: password.replace('"', '\\"') for name, password in USERS.items()}
    folder: Path = tmp_path_factory.mktemp("prosody")
    with prosody(folder, escaped) as target:
        yield target


def connected(server: Target) -> XmppStream:
    connection, _ = Connection.open(server, "/xmpp-websocket", timeout_s=PATIENCE_S, subprotocol=SUBPROTOCOL)
    return XmppStream(connection)


def logged_in(server: Target, name: str, password: str | None = None) -> XmppStream:
    stream = connected(server)
    secret = USERS[name] if password is None else password
    try:
        log_in(stream, f"{name}@{DOMAIN}", name, secret, "softphone", time.perf_counter() + PATIENCE_S)
    except BaseException:
        stream.connection.abort()
        raise
    return stream


def heard(stream: XmppStream) -> Element:
    return stream.expect(time.perf_counter() + PATIENCE_S)


def test_a_user_logs_in_pings_the_server_and_closes(server: Target) -> None:
    stream = logged_in(server, "agent")
    assert stream.jid == f"agent@{DOMAIN}/softphone"
    stream.send(
        PATIENCE_S, f'<iq xmlns="jabber:client" type="get" id="p1" to="{DOMAIN}"><ping xmlns="urn:xmpp:ping"/></iq>'
    )
    answer = heard(stream)
    assert (answer.tag, answer.get("type"), answer.get("id")) == (IQ, "result", "p1")
    assert stream.close(PATIENCE_S) == 1000


def test_a_wrong_password_is_refused(server: Target) -> None:
    with pytest.raises(AttemptFailed) as caught:
        logged_in(server, "agent", "wrong")
    assert caught.value.outcome is Outcome.UNAUTHORIZED


def test_two_users_have_a_jingle_call(server: Target) -> None:
    with ExitStack() as stack:
        gateway, agent = logged_in(server, "gjoll"), logged_in(server, "agent")
        stack.callback(gateway.connection.abort)
        stack.callback(agent.connection.abort)
        calls = Calls(agent.jid, agent.new_id, ":".join(["AA"] * 32), Random(1))

        def gateway_says(inner: str, kind: str = "iq", attributes: str = 'type="set" id="g1"') -> None:
            gateway.send(PATIENCE_S, f'<{kind} xmlns="jabber:client" {attributes} to="{agent.jid}">{inner}</{kind}>')

        def gateway_hears(count: int) -> list[Element]:
            """Wait for a number of iqs of type set, and acknowledge each."""
            found: list[Element] = []
            while len(found) < count:
                stanza = heard(gateway)
                if stanza.tag == IQ and stanza.get("type") == "set":
                    found.append(stanza)
                    gateway.send(
                        PATIENCE_S,
                        f'<iq xmlns="jabber:client" type="result" id="{stanza.get("id")}" to="{stanza.get("from")}"/>',
                    )
            return found

        propose = '<propose xmlns="urn:xmpp:jingle-message:0" id="sid-1" inin-cid="conversation-1"/>'
        gateway_says(propose, "message", "")
        proposal = heard(agent)
        proposed = proposal.find(PROPOSE)
        assert proposal.tag == MESSAGE
        assert proposed is not None
        agent.send(PATIENCE_S, *calls.proposed(proposal.get("from", ""), proposed))
        proceed = heard(gateway)
        assert proceed.get("from") == agent.jid
        assert [child.tag for child in proceed] == ["{urn:xmpp:jingle-message:0}proceed"]

        gateway_says(INITIATE.format(me=gateway.jid))
        initiate = heard(agent)
        offered = initiate.find(JINGLE)
        assert offered is not None
        agent.send(PATIENCE_S, *calls.on_jingle(initiate.get("from", ""), offered))
        accept, candidate, end = (stanza[0] for stanza in gateway_hears(3))
        assert [each.get("action") for each in (accept, candidate, end)] == [
            "session-accept",
            "transport-info",
            "transport-info",
        ]
        payloads = [payload.get("id") for payload in accept[0][0] if payload.get("id")]
        assert payloads == ["111"]

        def agent_handles_the_result() -> None:
            result = heard(agent)
            agent_says = calls.acknowledged(result.get("id", ""), ok=result.get("type") == "result")
            if agent_says:
                agent.send(PATIENCE_S, *agent_says)

        for _ in range(3):
            agent_handles_the_result()
        (info,) = gateway_hears(1)
        assert (info[0].get("action"), info[0][0].tag) == (
            "session-info",
            "{urn:xmpp:jingle:apps:rtp:info:1}active",
        )
        agent_handles_the_result()
        assert [call.conversation for call in calls.become_active] == ["conversation-1"]

        agent.send(PATIENCE_S, *calls.end_all())
        (bye,) = gateway_hears(1)
        assert bye[0].get("action") == "session-terminate"
