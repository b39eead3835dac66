"""Wires other than the default one: against the simulated edge with the same file, and a WebSocket server of others."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Thread

import pytest
from websockets.sync.server import ServerConnection, serve

from locust_softphone import sdp
from locust_softphone.config import strict_yaml
from locust_softphone.config.wire import Wire
from locust_softphone.errors import AttemptFailed
from locust_softphone.limits.advice import LimitAdvice
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.signaling.dialects.media_offer import MediaOffer
from locust_softphone.signaling.target import Target
from locust_softphone.signaling.token import Token
from tests.edge_process import running_edge
from tests.signaling.softphones import CREDENTIALS, PATIENT_S, a_field

OTHER = """
token:
  path: /v1/login
  headers: {Content-Type: application/x-www-form-urlencoded}
  body: user={client_id}&password={client_secret}&grant_type={number}
  token: $.data.jwt
  expires_in: $.data.ttl
handshake:
  path: /ws?access_token={token}
  headers: {}
  subprotocol: calls.v1
  session: null
ready:
  match: {$.event: connected, $.version: 2}
  session: $.payload.id
offer:
  path: /v1/sessions/{session}/offer
  headers: {X-Token: "{token}", Content-Type: application/json}
  body: {call: {to: "tel:{number}", media: [{kind: audio, sdp: "{sdp}"}]}, id: "{id}"}
  match: {$.id: "{id}"}
  answer: $.call.media[0].sdp
  session: null
bye: {event: hangup}
"""


def test_an_edge_with_other_paths_is_reached_by_a_wire_file_alone(tmp_path: Path) -> None:
    file = tmp_path / "wire.yaml"
    file.write_text(OTHER)
    wire = strict_yaml.load(file, Wire)
    with (
        running_edge("limits: {offer: {rate: 1/min, burst: 2}}", options=["--wire", str(file)]) as edge,
        a_field(edge, dialect=partial(MediaOffer, wire=wire), retry={"max_retries": 0}) as field,
    ):
        answered = [field.softphone().call() for _ in range(3)]
    assert answered == [True, True, False]
    assert [each.outcome for each in field.seen.failures] == [Outcome.RATE_LIMITED]


# The offer as a frame.

FRAMES = strict_yaml.loads(
    """
handshake: {path: "/{softphone}", headers: {}, session: null}
ready: {send: {login: "{token}"}, match: {$.ok: true}, session: $.session}
offer:
  over: websocket
  body: {id: "{id}", session: "{session}", offer: "{sdp}"}
  match: {$.re: "{id}", $.kind: answer}
  answer: $.body
  session: null
  refused: {match: {$.kind: error}, status: $.code, retry_after: $.wait}
bye: hangup {session}
""",
    Wire,
)


def a_call(
    answer: Callable[[dict[str, str]], list[dict[str, object]]],
) -> tuple[list[str], list[str], Exception | None]:
    """One login, one offer and one bye at a server that answers offers so: what it got, and why the offer failed."""
    got: list[str] = []
    paths: list[str] = []

    def handle(connection: ServerConnection) -> None:
        paths.append(connection.request.path if connection.request else "")
        for message in connection:
            got.append(str(message))
            if str(message).startswith("{"):
                found = json.loads(message)
                replies = [{"ok": True, "session": 7}] if "login" in found else answer(found)
                for reply in replies:
                    connection.send(json.dumps(reply))

    failure = None
    with serve(handle, "127.0.0.1", 0) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        target = Target("127.0.0.1", server.socket.getsockname()[1]).resolved()
        dialect = MediaOffer(
            target, CREDENTIALS, timeout_s=PATIENT_S, user_agent="tests", random=random.Random(1), wire=FRAMES
        )
        token = Token('t"ok', 1e9, 1e9)
        session, _ = dialect.client(0).connect(token)
        session.wait_ready()
        try:
            session.offer(token)
        except AttemptFailed as failed:
            failure = failed
        assert session.bye() == 1000
    return got, paths, failure


def answered(offer: dict[str, str]) -> list[dict[str, object]]:
    text = sdp.make_answer(sdp.parse(offer["offer"]), random.Random(1), ":".join(["AB"] * 32))
    other, right = ({"re": re, "kind": "answer", "body": text} for re in ("another", offer["id"]))
    return [{"kind": "trying"}, {**other, "body": "not for this offer"}, dict(right)]


def test_an_offer_can_be_a_frame() -> None:
    got, paths, failure = a_call(answered)
    assert failure is None
    login, offer, bye = got
    assert json.loads(login) == {"login": 't"ok'}
    assert json.loads(offer)["session"] == "7"
    assert bye == "hangup 7"
    assert paths[0].endswith("-0")


@pytest.mark.parametrize(
    ("reply", "outcome", "status", "advice"),
    [
        ({"kind": "error", "code": 429, "wait": 3}, Outcome.RATE_LIMITED, 429, LimitAdvice(retry_after_s=3.0)),
        ({"kind": "error", "code": 503, "wait": "soon"}, Outcome.UNAVAILABLE, 503, LimitAdvice()),
        ({"kind": "error", "code": "full"}, Outcome.MALFORMED, None, LimitAdvice()),
    ],
)
def test_a_frame_can_refuse_the_offer(
    reply: dict[str, object], outcome: Outcome, status: int | None, advice: LimitAdvice
) -> None:
    _, _, failure = a_call(lambda offer: [reply])
    assert isinstance(failure, AttemptFailed)
    assert (failure.outcome, failure.status, failure.advice) == (outcome, status, advice)
