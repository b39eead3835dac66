"""The edge's registrar and proxy, as clients see it that write their messages themselves."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from locust_softphone.sdp import make_offer
from locust_softphone.sip_text import SipMessage, auth_parameters, format_sip, parse_sip
from tests.edge_process import EdgeProcess, running_edge

WAIT_S = 10.0
OFFER = make_offer(random.Random(1))


@dataclass
class Phone:
    """A client that answers challenges with its own arithmetic (RFC 2617 3.5)."""

    socket: ClientConnection
    user: str
    password: str = "simulated"
    cseq: int = 0
    tags: dict[str, str] = field(default_factory=dict)

    def send(
        self, method: str, uri: str, headers: dict[str, str] | None = None, body: str = "", call: str = "r"
    ) -> None:
        self.cseq += 1
        lines = {
            "Via": f"SIP/2.0/WS {self.user}.invalid;branch=z9hG4bK{self.cseq}",
            "Max-Forwards": "70",
            "From": f"<sip:{self.user}@edge.example>;tag=t-{self.user}",
            "To": f"<{uri}>",
            "Call-ID": f"{call}-{self.user}",
            "CSeq": f"{self.cseq} {method}",
            "Contact": f"<sip:{self.user}@{self.user}.invalid;transport=ws>",
            **({"Content-Type": "application/sdp"} if body else {}),
            **(headers or {}),
        }
        self.socket.send(format_sip(f"{method} {uri} SIP/2.0", lines.items(), body))

    def receive(self) -> SipMessage:
        text = self.socket.recv(WAIT_S)
        assert isinstance(text, str)
        return parse_sip(text)

    def ask(self, method: str, uri: str, headers: dict[str, str] | None = None, body: str = "") -> SipMessage:
        """The first response that is not a challenge and not provisional."""
        self.send(method, uri, headers, body)
        answer = self.receive()
        if answer.status in (401, 407):
            self.send(method, uri, {**(headers or {}), **self.credentials(answer, method, uri)}, body)
            answer = self.receive()
        while answer.status < 200:
            answer = self.receive()
        return answer

    def credentials(self, challenge: SipMessage, method: str, uri: str) -> dict[str, str]:
        asked = challenge.get("www-authenticate") or challenge.get("proxy-authenticate")
        given = auth_parameters(asked)[1]
        proof = md5(self.user, given["realm"], self.password)
        response = md5(proof, given["nonce"], "00000001", "c", "auth", md5(method, uri))
        name = "Authorization" if challenge.status == 401 else "Proxy-Authorization"
        return {
            name: f'Digest username="{self.user}", realm="{given["realm"]}", nonce="{given["nonce"]}", uri="{uri}", '
            f'response="{response}", algorithm=MD5, qop=auth, nc=00000001, cnonce="c"'
        }

    def register(self) -> SipMessage:
        return self.ask("REGISTER", f"sip:{self.user}@edge.example", {"Expires": "60"})


def md5(*parts: str) -> str:
    return hashlib.md5(":".join(parts).encode()).hexdigest()


@pytest.fixture(scope="module")
def edge() -> Iterator[EdgeProcess]:
    with running_edge("sip: {challenge_calls: false, ring_for: 100ms}") as running:
        yield running


@contextmanager
def phones(edge: EdgeProcess, *users: str) -> Iterator[list[Phone]]:
    with ExitStack() as stack:
        url = f"ws{edge.url.removeprefix('http')}/ws"
        yield [
            Phone(stack.enter_context(connect(url, subprotocols=[Subprotocol("sip")], compression=None)), user)
            for user in users
        ]


def test_a_registration_is_challenged_and_its_contact_returned(edge: EdgeProcess) -> None:
    with phones(edge, "ann") as (ann,):
        answer = ann.register()
        assert answer.status == 200
        assert answer.get("contact") == "<sip:ann@ann.invalid;transport=ws>;expires=60"


def test_credentials_of_another_user_or_with_a_wrong_password_are_refused(edge: EdgeProcess) -> None:
    with phones(edge, "ann") as (ann,):
        assert ann.ask("REGISTER", "sip:bob@edge.example", {"Expires": "60"}).status == 403
        ann.password = "wrong"
        assert ann.register().status == 401


def test_credentials_cannot_be_used_twice(edge: EdgeProcess) -> None:
    with phones(edge, "ann") as (ann,):
        uri = "sip:ann@edge.example"
        ann.send("REGISTER", uri, {"Expires": "60"})
        credentials = ann.credentials(ann.receive(), "REGISTER", uri)
        ann.send("REGISTER", uri, {"Expires": "60", **credentials})
        assert ann.receive().status == 200
        ann.send("REGISTER", uri, {"Expires": "60", **credentials})
        assert "stale=true" in ann.receive().get("www-authenticate")


def test_a_lifetime_that_is_too_short_is_refused(edge: EdgeProcess) -> None:
    with phones(edge, "ann") as (ann,):
        answer = ann.ask("REGISTER", "sip:ann@edge.example", {"Expires": "5"})
        assert (answer.status, answer.get("min-expires")) == (423, "10")


def test_who_has_not_registered_cannot_call(edge: EdgeProcess) -> None:
    with phones(edge, "ann") as (ann,):
        assert ann.ask("INVITE", "sip:+1202@edge.example", body=OFFER).status == 403


def test_a_call_to_a_number_rings_and_can_be_cancelled(edge: EdgeProcess) -> None:
    with phones(edge, "ann") as (ann,):
        ann.register()
        ann.send("INVITE", "sip:+1202@edge.example", body=OFFER)
        assert [ann.receive().status for _ in range(2)] == [100, 180]
        ann.cseq -= 1  # the same transaction
        ann.send("CANCEL", "sip:+1202@edge.example")
        answers = {(answer.status, answer.cseq[1]) for answer in (ann.receive(), ann.receive())}
        assert answers == {(200, "CANCEL"), (487, "INVITE")}


@pytest.mark.parametrize(
    ("uri", "body", "status"),
    [("sip:nobody@edge.example", OFFER, 480), ("sip:+1202@edge.example", "v=0\r\n", 488)],
)
def test_calls_that_are_refused(edge: EdgeProcess, uri: str, body: str, status: int) -> None:
    with phones(edge, "ann") as (ann,):
        ann.register()
        assert ann.ask("INVITE", uri, body=body).status == status


@pytest.mark.parametrize(
    "hops", ["0", "-1", "many", "\u00b2", "9" * 5000], ids=["none", "below 0", "word", "exponent", "long"]
)
def test_a_call_without_a_hop_left_is_refused(hops: str, edge: EdgeProcess) -> None:
    with phones(edge, "ann", "bob") as (ann, bob):
        ann.register()
        bob.register()
        assert ann.ask("INVITE", "sip:bob@edge.example", {"Max-Forwards": hops}, OFFER).status == 483


def test_a_call_to_another_softphone_is_passed_on_and_its_answer_back(edge: EdgeProcess) -> None:
    with phones(edge, "ann", "bob") as (ann, bob):
        ann.register()
        bob.register()
        before = edge.stats()["steps"]["offer"]["refused"].get("486", 0)
        ann.send("INVITE", "sip:bob@edge.example", body=OFFER)
        invite = bob.receive()
        assert (invite.method, invite.uri) == ("INVITE", "sip:bob@bob.invalid;transport=ws")
        assert (invite.get("max-forwards"), len(invite.values("via"))) == ("69", 2)
        assert invite.body == OFFER
        copied = [(name, value) for name in ("via", "from", "call-id", "cseq") for value in invite.headers[name]]
        bob.socket.send(format_sip("SIP/2.0 486 Busy Here", [*copied, ("To", f"{invite.get('to')};tag=b")]))
        assert ann.receive().status == 100
        busy = ann.receive()
        assert (busy.status, len(busy.values("via"))) == (486, 1)
        assert bob.receive().method == "ACK"
        assert edge.stats()["steps"]["offer"]["refused"]["486"] == before + 1


def test_a_keep_alive_is_answered_and_what_is_not_sip_ends_the_connection(edge: EdgeProcess) -> None:
    with phones(edge, "ann") as (ann,):
        ann.socket.send("\r\n\r\n")
        assert ann.socket.recv(WAIT_S) == "\r\n"
        ann.socket.send("GET / HTTP/1.1\r\n\r\n")
        with pytest.raises(ConnectionClosed) as closed:
            ann.socket.recv(WAIT_S)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1007


def test_options_and_requests_without_a_call(edge: EdgeProcess) -> None:
    with phones(edge, "ann") as (ann,):
        assert ann.ask("OPTIONS", "sip:edge.example").status == 200
        assert ann.ask("BYE", "sip:+1202@edge.example").status == 481
        assert ann.ask("PUBLISH", "sip:ann@edge.example").status == 405


def test_a_limit_refuses_with_503_and_seconds_whatever_the_policy_has_for_http() -> None:
    policy = "{limits: {registration: {rate: 1/min, burst: 1}}, retry_after: {form: http-date}}"
    with running_edge(policy) as edge, phones(edge, "ann", "bob") as (ann, bob):
        assert ann.register().status == 200
        refused = bob.register()
        assert refused.status == 503
        assert 0 < int(refused.get("retry-after")) <= 61
        counted = edge.stats()
        assert counted["steps"]["registration"]["refused"] == {"503": 1}
        assert counted["refused_by"]["registration"] == {"token-bucket": 1}


def test_registrations_end_with_their_connection(edge: EdgeProcess) -> None:
    with phones(edge, "ann") as (ann,):
        ann.register()
        with phones(edge, "bob") as (bob,):
            bob.register()
            bob.user = "eve"  # a second user on the same WebSocket
            bob.register()
        assert [ann.ask("INVITE", f"sip:{user}@edge.example", body=OFFER).status for user in ("bob", "eve")] == [
            480,
            480,
        ]
