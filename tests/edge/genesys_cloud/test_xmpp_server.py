"""The XMPP stream: logging in, requests, and every way in which it ends."""

from __future__ import annotations

import json
from base64 import b64encode
from contextlib import suppress

import pytest
from websockets.exceptions import ConnectionClosed

from tests.edge.conftest import StartEdge
from tests.edge.genesys_cloud.agent import NAMESPACES, Agent, Stream, name_of
from tests.edge.softphone import eventually
from tests.edge_process import EdgeProcess

PING = f'<ping xmlns="{NAMESPACES["ping"]}"/>'
USERS = "genesys_cloud: {users: [{name: alice, access_token: alices-own}, {name: bob, access_token: bobs-own}]}"


def rpc(text: str) -> str:
    return f'<genesys-webrtc xmlns="genesys">{text}</genesys-webrtc>'


def close_code(stream: Stream) -> int | None:
    """Read to the end: the code of the edge's close frame, or None if there was none."""
    try:
        while True:
            stream.websocket.recv(timeout=20)
    except ConnectionClosed as closed:
        return None if closed.rcvd is None else int(closed.rcvd.code)


def stream_error(stream: Stream) -> str:
    """The condition of the stream error that comes next; the stream must then end."""
    condition = stream.receive("stream:error")[0].tag.partition("}")[2]
    stream.receive("framing:close")
    assert close_code(stream) == 1008
    return condition


def test_a_login_and_a_clean_end_are_counted(start_edge: StartEdge) -> None:
    edge = start_edge("max_early_retries: 3")
    with Agent(edge).stream(resource="desk & chair") as stream:
        assert stream.jid == "alice@edge.example/desk & chair"
        stream.send(f'<close xmlns="{NAMESPACES["framing"]}"/>')
        stream.receive("framing:close")
        assert close_code(stream) == 1000
    eventually(lambda: bool(edge.stats()["closes"] == {"1000": 1}))
    stats = edge.stats()
    assert (stats["logins"], stats["ready"]) == ({"admitted": 1, "refused": 0}, 1)
    assert {step: counts["admitted"] for step, counts in stats["steps"].items()} == {
        "token": 1,
        "channel": 1,
        "handshake": 1,
        "offer": 0,
    }


def test_the_features_offered_before_and_after_the_login(edge: EdgeProcess) -> None:
    alice = Agent(edge)
    with alice.websocket() as stream:
        assert stream.websocket.subprotocol == "xmpp"
        mechanisms = stream.open().findall("sasl:mechanisms/sasl:mechanism", NAMESPACES)
        assert [each.text for each in mechanisms] == ["PLAIN"]
        stream.authenticate(alice.jid, f"authKey:{alice.token}")
        assert [name_of(feature) for feature in stream.open()] == ["bind:bind"]


def test_addresses_are_compared_as_addresses(edge: EdgeProcess) -> None:
    """RFC 7622 3.2 and 3.3: lower case, and the dot of the root is not part of it."""
    alice = Agent(edge)
    with alice.websocket() as stream:
        stream.send(f'<open xmlns="{NAMESPACES["framing"]}" to="EDGE.example." version="1.0"/>')
        stream.receive("framing:open")
        stream.receive("stream:features")
        assert name_of(stream.authenticate("Alice@Edge.Example", f"authKey:{alice.token}")) == "sasl:success"


@pytest.mark.parametrize(
    ("mechanism", "content", "condition"),
    [
        ("ANONYMOUS", "", "invalid-mechanism"),
        ("PLAIN", "!", "malformed-request"),
        ("PLAIN", b64encode(b"\xff\0\xff\0\xff").decode(), "malformed-request"),
        ("PLAIN", b64encode(b"alice authKey:alices-own").decode(), "malformed-request"),
        ("PLAIN", b64encode(b"\0alice@edge.example\0authKey:nonsense").decode(), "not-authorized"),
        ("PLAIN", b64encode(b"\0alice@edge.example\0alices-own").decode(), "not-authorized"),
        ("PLAIN", b64encode(b"\0bob@edge.example\0authKey:alices-own").decode(), "not-authorized"),
        (
            "PLAIN",
            b64encode(b"\0bob@edge.example\0authKey:bobs-own").decode(),
            "not-authorized",
        ),  # bob is not the owner of the channel
        ("PLAIN", b64encode(b"\0alice@edge.example\0authKey:bobs-own").decode(), "not-authorized"),
    ],
)
def test_a_login_that_is_refused(start_edge: StartEdge, mechanism: str, content: str, condition: str) -> None:
    edge = start_edge(USERS)
    with Agent(edge, token="alices-own").websocket() as stream:
        stream.open()
        stream.send(f'<auth xmlns="{NAMESPACES["sasl"]}" mechanism="{mechanism}">{content}</auth>')
        assert stream.receive("sasl:failure").find(f"sasl:{condition}", NAMESPACES) is not None
        stream.receive("framing:close")
        assert close_code(stream) == 1000
    assert edge.stats()["logins"] == {"admitted": 0, "refused": 1}
    assert edge.stats()["ready"] == 0


@pytest.mark.parametrize(
    ("texts", "condition"),
    [
        (["hello"], "not-well-formed"),
        (['<!DOCTYPE m [<!ENTITY x "y">]><m>&x;</m>'], "restricted-xml"),
        (["<m>" * 40 + "</m>" * 40], "policy-violation"),
        ([f'<iq xmlns="jabber:client" type="get" id="1">{PING}</iq>'], "not-authorized"),  # before the stream is open
    ],
)
def test_a_wrong_first_element_ends_the_stream(edge: EdgeProcess, texts: list[str], condition: str) -> None:
    with Agent(edge).websocket() as stream:
        for text in texts:
            stream.send(text)
        assert stream_error(stream) == condition


def test_another_domain_ends_the_stream(edge: EdgeProcess) -> None:
    with Agent(edge).websocket() as stream:
        stream.send(f'<open xmlns="{NAMESPACES["framing"]}" to="evil.example" version="1.0"/>')
        stream.receive("framing:open")
        assert stream_error(stream) == "host-unknown"


def test_a_stanza_before_the_login_or_the_resource_ends_the_stream(edge: EdgeProcess) -> None:
    alice = Agent(edge)
    ping = f'<iq xmlns="jabber:client" type="get" id="1">{PING}</iq>'
    with alice.websocket() as stream:
        stream.open()
        stream.send(ping)
        assert stream_error(stream) == "not-authorized"
    with alice.websocket() as stream:
        stream.open()
        stream.authenticate(alice.jid, f"authKey:{alice.token}")
        stream.open()
        stream.send(ping)
        assert stream_error(stream) == "not-authorized"


def test_a_stanza_that_is_too_long_ends_the_session(edge: EdgeProcess) -> None:
    with Agent(edge).stream() as stream:
        stream.send(f'<message xmlns="jabber:client">{"x" * 64 * 1024}</message>')
        assert close_code(stream) == 1009  # RFC 6455 7.4.1


def test_a_client_that_never_reads_its_answers_is_cut(start_edge: StartEdge) -> None:
    edge = start_edge("max_early_retries: 3")
    long_id = "x" * 60_000  # each result repeats it
    with Agent(edge).stream() as stream, suppress(ConnectionClosed):
        for _ in range(2_000):  # 120 MB of answers, if all were sent
            stream.send(f'<iq xmlns="jabber:client" type="get" id="{long_id}">{PING}</iq>')
    eventually(lambda: bool(edge.stats()["cuts"]["slow_reader"] == 1))


def test_a_login_that_is_not_finished_in_time_is_cut(start_edge: StartEdge) -> None:
    edge = start_edge("genesys_cloud: {login_timeout: 200ms}")
    alice = Agent(edge)
    with alice.websocket() as stream:
        stream.open()
        assert close_code(stream) is None  # 1006
    assert edge.stats()["cuts"]["login_timeout"] == 1


def test_the_set_up_time_does_not_count_as_login_time(start_edge: StartEdge) -> None:
    edge = start_edge("{genesys_cloud: {login_timeout: 2s}, setup: {rate: 20/min, burst: 1}}")
    with Agent(edge, "a").stream(), Agent(edge, "b").stream():  # the second resource is bound after three seconds
        assert edge.stats()["ready"] == 2
    assert edge.stats()["cuts"]["login_timeout"] == 0


def test_external_service_discovery_finds_a_stun_server_only(edge: EdgeProcess) -> None:
    with Agent(edge).stream() as stream:
        for kind, found in (("turn", []), ("stun", ["stun"])):
            payload = f'<services xmlns="{NAMESPACES["extdisco"]}" type="{kind}"/>'
            services = stream.ask("get", payload, "edge.example").findall("extdisco:services/*", NAMESPACES)
            assert [service.get("type") for service in services] == found


@pytest.mark.parametrize(
    ("payload", "condition"),
    [
        ('<query xmlns="jabber:iq:roster"/>', "service-unavailable"),
        ("", "bad-request"),
        (
            f'<pubsub xmlns="{NAMESPACES["pubsub"]}"><subscribe node="v2.users.presence"/></pubsub>',
            "feature-not-implemented",
        ),
        (rpc("{"), "bad-request"),
        (rpc("[1]"), "bad-request"),
        (rpc('{"params": {"sessionId": "x"}, "method": "dance"}'), "bad-request"),
        (rpc('{"params": {"sessionId": "x"}, "method": "answer"}'), "item-not-found"),
        (f'<jingle xmlns="{NAMESPACES["jingle"]}" action="session-accept"/>', "bad-request"),
        (f'<jingle xmlns="{NAMESPACES["jingle"]}" action="dance" sid="x"/>', "bad-request"),
        (f'<jingle xmlns="{NAMESPACES["jingle"]}" action="session-accept" sid="x"/>', "item-not-found"),
    ],
)
def test_a_request_that_is_refused_gets_an_error_and_the_stream_continues(
    edge: EdgeProcess, payload: str, condition: str
) -> None:
    with Agent(edge).stream() as stream:
        answer = stream.ask("set", payload, "somebody@edge.example")
        assert answer.get("type") == "error"
        assert answer.find(f"c:error/stanzas:{condition}", NAMESPACES) is not None
        assert stream.ask("get", PING, "edge.example").get("type") == "result"


def test_stanzas_that_are_not_requests_get_no_answer(edge: EdgeProcess) -> None:
    with Agent(edge).stream() as stream:
        stream.send('<presence xmlns="jabber:client"/>')
        stream.send('<message xmlns="jabber:client" to="bob@edge.example"><body>hello</body></message>')
        stream.send('<iq xmlns="jabber:client" type="result" id="unasked"/>')
        assert stream.ask("get", PING).get("type") == "result"
        stream.send("<hello/>")
        assert stream_error(stream) == "unsupported-stanza-type"


def test_server_pings_start_with_the_subscription(start_edge: StartEdge) -> None:
    edge = start_edge("ping_every: 200ms")
    with Agent(edge).stream() as stream:
        answer = stream.subscribe_to_pings()
        assert answer.find("pubsub:pubsub/pubsub:subscription", NAMESPACES) is not None
        for _ in range(3):
            ping = stream.receive("c:iq")
            assert ping.find("ping:ping", NAMESPACES) is not None
            stream.result_of(ping)
        eventually(lambda: bool(edge.stats()["pongs"] >= 3))
        assert close_code(stream) is None  # the next ping is not answered
    assert edge.stats()["cuts"]["pong_timeout"] == 1


def test_the_policy_can_refuse_server_pings(start_edge: StartEdge) -> None:
    edge = start_edge("{ping_every: 50ms, genesys_cloud: {server_pings: false}}")
    with Agent(edge).stream() as stream:
        assert stream.subscribe_to_pings().get("type") == "error"
        assert stream.ask("get", PING).get("type") == "result"  # now the client has to ping
    assert edge.stats()["pings"] == 0


def event(stream: Stream) -> tuple[str | None, object]:
    """The topic and the payload of the notification that comes next."""
    items = stream.receive("c:message").find("event:event/event:items", NAMESPACES)
    assert items is not None
    return items.get("node"), json.loads(items.findtext("event:item/json:json", "", NAMESPACES))


def test_a_second_socket_on_a_channel_disconnects_the_first(edge: EdgeProcess) -> None:
    alice = Agent(edge)
    channel_id = alice.channel_id()
    with alice.stream(channel_id) as first, alice.stream(channel_id) as second:
        assert event(first) == ("duplicate_id", {"channelId": channel_id})
        first.receive("framing:close")
        assert close_code(first) == 1000
        assert second.ask("get", PING).get("type") == "result"


def test_one_channel_too_many_evicts_another(start_edge: StartEdge) -> None:
    edge = start_edge("genesys_cloud: {channels_per_user: 2}")
    alice = Agent(edge)
    first, second = alice.channel_id(), alice.channel_id()
    with alice.stream(first) as stream:
        third = alice.channel()
        assert third.status == 200  # eviction, not a 429
        with pytest.raises(Exception, match="404"), alice.websocket(second):
            pytest.fail("the unconnected channel still exists")
        with alice.stream(str(third.json()["id"])):
            alice.channel_id()
            assert event(stream) == ("no_longer_subscribed", {"channelId": first})
            assert close_code(stream) == 1000


def test_the_socket_of_an_expired_channel_is_closed(start_edge: StartEdge) -> None:
    edge = start_edge("genesys_cloud: {channel_expires: 1500ms}")
    alice = Agent(edge)
    channel_id = alice.channel_id()
    with alice.stream(channel_id) as stream:
        assert event(stream)[0] == "no_longer_subscribed"
        assert close_code(stream) == 1000
    with pytest.raises(Exception, match="404"), alice.websocket(channel_id):
        pytest.fail("the channel still exists")


def test_all_sessions_of_this_dialect_are_dropped_too(start_edge: StartEdge) -> None:
    edge = start_edge("drop_all_after: 3s")
    alice, bob = Agent(edge), Agent(edge, "bob")
    with alice.stream() as first, bob.stream() as second:
        assert close_code(first) is None
        assert close_code(second) is None
    assert edge.stats()["cuts"]["drop_all"] == 2
