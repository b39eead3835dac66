"""The simulated edge against the real client, genesys-cloud-streaming-client 19.4.1 in Node; and what both the real
client and our softphone with the preset ``genesys-streaming-19`` do when they are refused or dropped.

``npm ci`` in this directory installs the client. Delays are measured by the edge's clock. They may be too long by 0.2 s
plus the delay of timers in the two processes, but never too short.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from typing import NamedTuple

import pytest

from tests.edge.genesys_cloud.agent import CALL, Agent
from tests.edge.softphone import eventually
from tests.interop.genesys_cloud.processes import (
    HERE,
    Client,
    Recording,
    Request,
    our_softphone,
    recording_edge,
    streaming_client,
)

pytestmark = [
    pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed"),
    pytest.mark.skipif(not (HERE / "node_modules").is_dir(), reason=f"npm ci has not been run in {HERE.name}"),
]

TOKEN = "agent1s-own"
IDENTITY = "GET /api/v2/users/me"
CHANNEL = "POST /api/v2/notifications/channels"
UPGRADE = "GET /stream/channels/"
CALL_REQUEST = "POST /api/v2/conversations/calls"
FOR_EVER = {"keepTryingOnFailure": True}
TOLERANCE_S = 0.2
EARLY_S = 0.02  # the clocks of two processes, and a timer that is rounded down to a millisecond


def policy(genesys_cloud: str = "", rest: str = "") -> str:
    """A policy in which agent1 has a token."""
    users = f"users: [{{name: agent1, access_token: {TOKEN}}}]"
    return f"max_early_retries: 1000\n{rest}\ngenesys_cloud: {{{users}, {genesys_cloud}}}\n"


def kind(request: Request) -> str:
    """The kind of a request, without the channel's id."""
    return request.line.rpartition("streaming-")[0] or request.line


class Side(NamedTuple):
    """One of two clients that meet the same edge: each has its own, with the same policy."""

    edge: Recording
    client: Client

    def requests(self, at_least: int) -> list[Request]:
        """Its requests except those for calls; waits for a number of them."""
        count = at_least
        while len(found := [each for each in self.edge.requests(count) if kind(each) != CALL_REQUEST]) < at_least:
            count += 1
        return found

    def check_delays(self, measured: Sequence[float], expected: Sequence[float]) -> None:
        """Compare its delays with the expected ones, within the delay of this machine's timers."""
        late_s = TOLERANCE_S + self.edge.lag_s + self.client.lag_s
        off = [round(is_s - should_s, 3) for is_s, should_s in zip(measured, expected, strict=True)]
        assert all(-EARLY_S <= each <= late_s for each in off), f"off by {off} s, {late_s:.3f} s allowed"


@contextmanager
def side_by_side(text: str) -> Iterator[tuple[Side, Side]]:
    """The real client, and our softphone, which must do the same."""
    with ExitStack() as stack:
        edges = [stack.enter_context(recording_edge(text)) for _ in range(2)]
        starting = (streaming_client(edges[0], TOKEN), our_softphone(edges[1], TOKEN))
        real, ours = (stack.enter_context(client) for client in starting)
        yield Side(edges[0], real), Side(edges[1], ours)


def test_it_connects_and_stays_connected_over_pings() -> None:
    with recording_edge(policy(rest="ping_every: 300ms")) as edge, streaming_client(edge, TOKEN) as client:
        client.do("connect")
        client.wait_for("connected")
        eventually(lambda: bool(edge.edge.stats()["pongs"] >= 5))
        client.do("disconnect")
        client.wait_for("disconnected", reconnecting=False)
        assert [kind(request) for request in edge.requests()] == [IDENTITY, CHANNEL, UPGRADE]
        eventually(lambda: bool(edge.edge.stats()["closes"] == {"1000": 1}))
        assert edge.edge.stats()["logins"] == {"admitted": 1, "refused": 0}


def test_it_connects_where_the_edge_does_not_ping() -> None:
    with recording_edge(policy("server_pings: false")) as edge, streaming_client(edge, TOKEN) as client:
        client.do("connect")
        client.wait_for("connected")
        assert edge.edge.stats()["pings"] == 0


@pytest.mark.parametrize("sdp_over_xmpp", [False, True])
def test_an_outbound_call(sdp_over_xmpp: bool) -> None:
    with (
        recording_edge(policy(f"sdp_over_xmpp: {int(sdp_over_xmpp)}")) as edge,
        streaming_client(edge, TOKEN) as client,
    ):
        client.do("connect")
        client.wait_for("connected")
        client.do("call")
        client.wait_for("proposed", sessionType="softphone", sdpOverXmpp=sdp_over_xmpp, autoAnswer=True)
        client.wait_for("call", state="connected")
        eventually(lambda: bool(edge.edge.stats()["calls"]["active"] == 1))
        client.do("hangUp")
        client.wait_for("terminated", reason="success")
        eventually(lambda: bool(edge.edge.stats()["calls"]["ended"] == 1))
        calls = edge.edge.stats()["calls"]
        assert (calls["proposed"], calls["answered"], calls["bad_answer"]) == (1, 1, 0)


@pytest.mark.parametrize("sdp_over_xmpp", [False, True])
def test_an_inbound_call_that_the_edge_ends(sdp_over_xmpp: bool) -> None:
    inbound = f"sdp_over_xmpp: {int(sdp_over_xmpp)}, inbound_calls: {{rate: 5/s, length: 500ms}}"
    with recording_edge(policy(inbound)) as edge, streaming_client(edge, TOKEN) as client:
        client.do("connect")
        client.wait_for("proposed", sdpOverXmpp=sdp_over_xmpp, autoAnswer=False)
        client.wait_for("call", state="connected")
        client.wait_for("terminated", reason="success")
        assert edge.edge.stats()["calls"]["bad_answer"] == 0


def test_after_a_drop_both_reconnect_to_the_same_channel_after_two_seconds() -> None:
    with side_by_side(policy(rest="drop_all_after: 4s")) as sides:
        for side in sides:
            side.client.do("connect")
        for side in sides:
            requests = side.requests(4)
            assert [kind(request) for request in requests] == [IDENTITY, CHANNEL, UPGRADE, UPGRADE]
            first, second = requests[2:]
            assert first.line == second.line
            side.check_delays([second.at_s - (first.at_s + 4)], [2])
            eventually(lambda side=side: bool(side.edge.edge.stats()["ready"] == 2))  # type: ignore[misc]
        sides[0].client.wait_for("disconnected", reconnecting=True)
        sides[0].client.wait_for("connected")


def test_after_a_429_for_the_channel_both_wait_for_retry_after_plus_their_backoff() -> None:
    """One request in two seconds: the identity is answered, the channel never."""
    with side_by_side(policy("requests_per_token: {count: 1, per: 2s}")) as sides:
        for side in sides:
            side.client.do("connect", options=FOR_EVER)
        for side in sides:
            requests = side.requests(5)
            assert [(kind(request), request.status, request.retry_after) for request in requests[:5]] == [
                (IDENTITY, None, None),
                (CHANNEL, 429, "2"),
                (IDENTITY, None, None),
                (CHANNEL, 429, "2"),
                (IDENTITY, None, None),
            ]
            measured = [requests[2].at_s - requests[1].at_s, requests[4].at_s - requests[3].at_s]
            side.check_delays(measured, [2 + 2, 2 + 4])


def test_the_headers_of_a_429_for_the_upgrade_are_not_seen() -> None:
    """One handshake in five seconds, and another user has just had one."""
    with side_by_side(policy(rest="limits: {handshake: {rate: 12/min, burst: 1}}")) as sides:
        for side in sides:
            with Agent(side.edge.edge, "somebody").websocket():
                pass
            side.client.do("connect", options=FOR_EVER)
        for side in sides:
            requests = side.requests(8)[3:]
            assert [(kind(request), request.status) for request in requests] == [
                (IDENTITY, None),
                (CHANNEL, None),
                (UPGRADE, 429),
                (UPGRADE, 429),
                (UPGRADE, None),
            ]
            assert len({request.line for request in requests[2:]}) == 1  # the same channel
            assert all(int(request.retry_after or 0) > 4 for request in requests[2:4])  # much later than they come back
            side.check_delays([later.at_s - earlier.at_s for earlier, later in pairwise(requests[2:])], [2, 4])


def test_a_login_that_is_refused_is_final() -> None:
    with recording_edge(policy()) as edge, streaming_client(edge, "unknown") as client:
        client.do("connect", options=FOR_EVER)
        client.wait_for("failed", type="invalid_token")
        assert [(kind(request), request.status) for request in edge.requests()] == [(IDENTITY, 401)]


@pytest.mark.parametrize("topic", ["duplicate_id", "no_longer_subscribed"])
def test_a_client_that_loses_its_channel_requests_a_new_one(topic: str) -> None:
    with (
        recording_edge(policy("channels_per_user: 1")) as edge,
        streaming_client(edge, TOKEN) as client,
    ):
        client.do("connect")
        client.wait_for("connected")
        channel_id = edge.requests(3)[2].line.rpartition("/")[2]
        agent = Agent(edge.edge, "agent1", token=TOKEN)
        if topic == "duplicate_id":
            with agent.websocket(channel_id):
                client.wait_for("notified", topic=topic)
        else:
            agent.channel_id()
            client.wait_for("notified", topic=topic)
        client.wait_for("connected")
        assert [kind(request) for request in edge.requests()][4:] == [CHANNEL, UPGRADE]
        assert edge.requests()[5].line.rpartition("/")[2] != channel_id


def test_calls_of_others_do_not_reach_it() -> None:
    with recording_edge(policy()) as edge, streaming_client(edge, TOKEN) as client:
        client.do("connect")
        client.wait_for("connected")
        somebody = Agent(edge.edge, "somebody")
        with somebody.stream() as stream:
            assert somebody.call(CALL).status == 200
            stream.receive("c:message")
        client.do("disconnect")
        client.wait_for("disconnected")
        assert "proposed" not in {happened["event"] for happened in client.happened}
