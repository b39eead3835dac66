"""One softphone against a real edge: how calls go, and that both sides count the same."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest

from locust_softphone.metrics.outcome import Outcome
from locust_softphone.signaling.dialect import Reply, Session
from locust_softphone.signaling.dialects.genesys_cloud.client import GenesysCloud
from locust_softphone.signaling.hosts import Hosts
from locust_softphone.signaling.softphone import Softphone
from locust_softphone.signaling.token import Token
from tests.edge.softphone import eventually
from tests.edge_process import EdgeProcess, running_edge
from tests.signaling.scripted_server import Script, frame, says, says_goodbye, serving, switches
from tests.signaling.softphones import CREDENTIALS, ONE_OFFER, PATIENT_S, Observations, Time, a_field, a_fleet

NO_RETRY = {"max_retries": 0}


@pytest.fixture(scope="module")
def edge() -> Iterator[EdgeProcess]:
    """An edge without limits."""
    with running_edge() as running:
        yield running


def answers(status: str, body: str) -> Script:
    return says(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())


TOKEN = answers("200 OK", '{"access_token": "t", "expires_in": 3600}')


def test_a_kept_connection_that_the_edge_has_closed_is_counted_and_is_not_a_failure() -> None:
    seen = Observations()
    ready = switches(frame(1, b'{"type": "ready"}'), then=says_goodbye)
    with serving(TOKEN, ready, answers("400 Bad Request", "")) as target:
        phone = Softphone(a_fleet(target, seen, Time(), retry=NO_RETRY), 0, 0.0)
        phone.call()
        phone.hang_up()
    assert seen.outcomes("offer") == ["rejected"]
    assert seen.tally.counts["connections_reopened"] == 1


def test_a_client_of_genesys_cloud_reports_its_reopened_connections() -> None:
    with serving(TOKEN, TOKEN) as target:
        dialect = GenesysCloud(Hosts.one(target), CREDENTIALS, timeout_s=PATIENT_S, user_agent="", random=Random())
        client = dialect.client(0)
        for _ in range(2):
            client.fetch_token(0.0)
        assert client.close_idle() == 1


# The call that goes well


def test_one_call_from_token_to_close(edge: EdgeProcess) -> None:
    with a_field(edge) as field:
        phone = field.softphone()
        assert phone.call(0.0)
        phone.hang_up()
        assert [(each.step, each.outcome) for each in field.seen.attempts] == [
            (step, Outcome.OK) for step in ("token", "handshake", "ready", "offer", "close")
        ]
        assert field.seen.calls == [None]
        gained = field.edge_counted()
        assert [gained["steps"][step]["admitted"] for step in ("token", "handshake", "offer")] == [1, 1, 1]
        assert gained["sessions"] == {"total": 1, "answered": 1}
        assert gained["closes"] == {"1000": 1}
        for name in ("started", "connected", "answered", "closes.1000"):
            assert field.counted(name) == 1, name
        assert not [name for name in field.seen.tally.counts if name.startswith(("abnormal", "retries", "gave_up"))]


def test_the_first_step_is_due_as_planned_and_each_next_one_when_the_previous_has_ended(edge: EdgeProcess) -> None:
    with a_field(edge) as field:
        phone = field.softphone()
        field.time.sleep(2.0)  # the generator is late
        phone.call(0.0)
        phone.hang_up()
        attempts = field.seen.attempts
        assert [each.planned_s for each in attempts[:-1]] == [0.0, *(each.ended_s for each in attempts[:-2])]
        assert attempts[0].began_s >= 2.0
        assert field.seen.tally.latencies["start_lag"].summary()["max"] >= 1.99


@pytest.mark.parametrize(
    ("token", "connection", "tokens", "handshakes"),
    [
        ("per-connection", "reuse", 3, 3),
        ("per-connection", "per-call", 6, 6),
        ("shared", "reuse", 1, 3),
        ("shared", "per-call", 1, 6),
    ],
)
def test_the_requests_of_three_softphones_with_two_calls_each(
    edge: EdgeProcess,
    token: str,
    connection: str,
    tokens: int,
    handshakes: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with a_field(edge, token=token, connection=connection, calls={"count": 2, "every": "0s"}) as field:
        note = field.seen.call

        def ends_after_the_second(*call: Any) -> None:
            note(*call)
            if len(field.seen.calls) % 2 == 0:
                field.context.end_s = field.time.clock()

        monkeypatch.setattr(field.seen, "call", ends_after_the_second)
        for _ in range(3):
            field.context.end_s = math.inf
            field.softphone().live()
        steps = field.edge_counted()["steps"]
        assert [steps[step]["admitted"] for step in ("token", "handshake", "offer")] == [tokens, handshakes, 6]
        assert field.counted("answered") == 3
        assert field.counted("closes.1000") == handshakes


def test_pings_are_answered_while_the_softphone_is_idle() -> None:
    with a_field("ping_every: 400ms") as field:
        phone = field.softphone()
        phone.call()
        phone.hold(1.0)
        phone.hang_up()
        assert field.counted("pings_answered") == field.edge.stats()["pongs"] >= 2
        assert field.edge.stats()["cuts"]["pong_timeout"] == 0


def test_hanging_up_twice_or_without_a_call_sends_nothing(edge: EdgeProcess) -> None:
    with a_field(edge) as field:
        phone = field.softphone()
        phone.hang_up()
        phone.call()
        phone.hang_up()
        phone.hang_up()
        assert field.seen.outcomes("close") == ["ok"]


def test_holding_ends_with_the_plan(edge: EdgeProcess) -> None:
    with a_field(edge) as field:
        phone = field.softphone()
        phone.call()
        field.context.end_s = field.time.clock() + 0.05
        phone.hold(PATIENT_S)
        assert field.time.clock() < PATIENT_S
        phone.hang_up()


def calls_twice(phone: Softphone) -> None:
    phone.call()
    phone.hold(1.0)
    phone.call()
    phone.hang_up()


def stays(phone: Softphone) -> None:
    phone.call()
    phone.hold()
    phone.hang_up()


@pytest.mark.parametrize(
    ("script", "ends_after_s", "cut_short", "why"),
    [
        (calls_twice, 30.0, False, "there was time for all of it"),
        (calls_twice, 0.5, True, "the plan ended in the hold, and a call is missing"),
        (lambda phone: phone.hold(1.0), 0.5, True, "the hold was shorter than asked for"),
        (stays, 0.5, False, "to stay until the plan's end is what it asks for"),
        (Softphone.live, 30.0, False, "both calls of the profile were made"),
        (Softphone.live, 0.5, True, "the second call of the profile was planned for 1 s"),
    ],
    ids=["long enough", "too short for the calls", "too short for the hold", "stays", "two calls", "one call"],
)
def test_a_script_that_the_plans_end_came_before_is_cut_short(
    script: Callable[[Softphone], None], ends_after_s: float, cut_short: bool, why: str, edge: EdgeProcess
) -> None:
    with a_field(edge, calls={"count": 2, "every": "1s"}) as field:
        phone = field.softphone()
        phone.planned_s = field.time.clock()
        field.context.end_s = phone.planned_s + ends_after_s
        script(phone)
        assert phone.cut_short is cut_short, why


@pytest.mark.parametrize(("max_retries", "cut_short"), [(0, False), (5, True)])
def test_a_call_that_the_plans_end_takes_the_retries_of_is_cut_short(max_retries: int, cut_short: bool) -> None:
    with a_field(ONE_OFFER, retry={"max_retries": max_retries, "initial": "1h", "retry_after": "ignore"}) as field:
        field.softphone().call()
        field.context.end_s = field.time.clock() + PATIENT_S
        refused = field.softphone()
        assert not refused.call()
        assert refused.cut_short is cut_short


def test_no_wait_is_longer_than_the_plan(edge: EdgeProcess) -> None:
    with a_field(edge) as field:
        phone = field.softphone()
        phone.call()
        field.context.end_s = field.time.clock() + 0.05
        phone._wait_until(PATIENT_S)
        phone._attempts._not_before_s["offer"] = PATIENT_S
        assert not phone.call()
        assert field.time.clock() < PATIENT_S
        assert [failure.outcome for failure in field.seen.calls[1:] if failure] == [Outcome.CANCELLED]
        assert field.counted("gave_up") == 0


def test_an_expired_token_is_replaced_before_the_edge_rejects_it() -> None:
    for token in ("shared", "per-connection"):
        with a_field("token_expires: 5s", token=token) as field:
            phone = field.softphone()
            phone.call()
            field.time.sleep(6.0)
            phone.call()
            phone.hang_up()
            assert field.seen.outcomes("token") == ["ok", "ok"], token
            assert field.seen.outcomes("offer") == ["ok", "ok"], token


def test_an_answered_softphone_does_not_also_count_as_given_up() -> None:
    with a_field(f"{{{ONE_OFFER}}}", like="sdk-2.3.1", retry=NO_RETRY) as field:
        phone = field.softphone()
        assert phone.call()
        assert not phone.call()  # one more than the profile says
        assert (field.counted("answered"), field.counted("gave_up")) == (1, 0)


def test_a_softphone_that_gave_up_does_not_also_count_as_answered() -> None:
    impatience_is_fine = "{limits: {offer: {rate: 2/s, burst: 1}}, max_early_retries: 1000}"
    with a_field(impatience_is_fine, like="sdk-2.3.1", retry=NO_RETRY) as field:
        first, phone = field.softphone(), field.softphone()
        assert first.call()
        assert not phone.call()
        eventually(phone.call)
        assert (field.counted("answered"), field.counted("gave_up")) == (1, 1)


# Before ready


def test_an_offer_before_ready_ends_the_connection() -> None:
    with a_field("setup: {rate: 1/min, burst: 1}", ready="ignore", retry=NO_RETRY) as field:
        first, early = field.softphone(), field.softphone()
        assert first.call()
        assert not early.call()
        assert field.edge.stats()["cuts"]["early_offer"] == 1
        assert [(each.outcome, each.status) for each in field.seen.failures] == [(Outcome.REJECTED, 409)]
        assert field.counted("closes.1006") == field.counted("abnormal_closes.lost") == 1
        assert field.counted("gave_up") == 1


def test_softphones_that_wait_for_ready_are_answered() -> None:
    with a_field("setup: {rate: 5/s, burst: 1}", ready="wait", retry=NO_RETRY) as field:
        phones = [field.softphone() for _ in range(3)]
        assert [phone.call() for phone in phones] == [True] * 3
        assert field.edge.stats()["cuts"]["early_offer"] == 0


def test_a_softphone_that_is_not_told_ready_in_time_closes_with_a_close_frame() -> None:
    with a_field("setup: {rate: 1/min, burst: 1}", timeout="200ms", retry=NO_RETRY) as field:
        assert field.softphone().call()
        assert not field.softphone().call()
        field.hang_up()
        assert (field.counted("own_cuts"), field.counted("closes.1000"), field.counted("closes.1006")) == (1, 1, 0)
        eventually(lambda: field.edge_counted()["closes"] == {"1000": 2})


def test_a_plan_that_ends_before_ready_is_not_an_own_cut(monkeypatch: pytest.MonkeyPatch, edge: EdgeProcess) -> None:
    with a_field(edge) as field:
        phone = field.softphone()
        connect = phone._client.connect

        def ends_the_plan(token: Token) -> Reply[Session]:
            reply = connect(token)
            field.context.end_s = field.time.clock()
            return reply

        monkeypatch.setattr(type(phone._client), "connect", lambda _, token: ends_the_plan(token))
        assert not phone.call()
        phone.hang_up()
        assert (field.counted("own_cuts"), field.counted("closes.1000")) == (0, 1)
