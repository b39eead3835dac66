"""Softphones that speak SIP against a real edge: the ledger balances at the end of each test."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from locust_softphone.config.sip_settings import SipSettings
from locust_softphone.signaling.dialects.sip.sip_client import Sip
from locust_softphone.signaling.softphone import Softphone
from tests.edge_process import EdgeProcess, running_edge
from tests.signaling.softphones import PATIENT_S, Field, a_field

PAIR = SipSettings(call="softphone")


def hold(phone: Softphone, stop: threading.Event) -> None:
    """Stay connected and answer until told to stop."""
    while not stop.is_set():
        phone.hold(0.05)


@pytest.fixture(scope="module")
def edge() -> Iterator[EdgeProcess]:
    """An edge with the default policy, for the tests that need no other."""
    with running_edge() as running:
        yield running


@contextmanager
def sip_field(
    policy: str | EdgeProcess, settings: SipSettings | None = None, password: str = "simulated", **softphone: Any
) -> Iterator[Field]:
    """Softphones with these settings against an edge with this policy."""

    def dialect(target: Any, credentials: Any, **options: Any) -> Sip:
        return Sip(target, password, settings or SipSettings(), **options)

    with a_field(policy, dialect=dialect, **softphone) as field:
        yield field


@pytest.mark.parametrize("algorithms", ["[MD5]", "[SHA-256, MD5]"])
def test_a_softphone_registers_and_calls_a_number(algorithms: str) -> None:
    with sip_field(f"sip: {{algorithms: {algorithms}}}") as field:
        phone = field.softphone()
        assert phone.call()
        assert phone.in_call
        field.hang_up()
        counted = field.edge_counted()
    assert counted["registrations"] == {"challenged": 1, "refreshed": 0, "removed": 1}
    assert counted["calls"]["answered"] == counted["calls"]["ended"] == 1
    assert counted["closes"] == {"1000": 1}


def test_a_softphone_calls_another_and_itself(edge: EdgeProcess) -> None:
    with sip_field(edge, settings=PAIR) as field:
        first, second = field.softphone(), field.softphone()
        assert first.call()  # the first one calls itself
        stop = threading.Event()
        holding = threading.Thread(target=hold, args=(first, stop))
        holding.start()
        try:
            assert second.call()
        finally:
            stop.set()
            holding.join()
        first.hold(0.2)
        assert field.counted("inbound_calls_answered") == 2
        field.hang_up()
        assert field.edge_counted()["calls"]["answered"] == 2


def test_a_callee_who_is_not_there_is_called_again(edge: EdgeProcess) -> None:
    settings = SipSettings(call="softphone-99")
    with sip_field(edge, settings=settings, retry={"max_retries": 2, "initial": "10ms"}) as field:
        assert not field.softphone().call()
        assert [each.status for each in field.seen.failures] == [480, 480, 480]
        assert field.seen.outcomes("registration") == ["ok"]  # once: the WebSocket stays open


def test_a_refusal_is_a_503_whose_retry_after_is_waited_for() -> None:
    policy = "limits: {registration: {rate: 1/s, burst: 1}, offer: {rate: 1/s, burst: 1}}"
    with sip_field(policy, retry={"max_retries": 5}) as field:
        first, second = field.softphone(), field.softphone()
        assert first.call()
        assert second.call()
        refused = {(each.status, each.outcome.value) for each in field.seen.failures}
        assert refused == {(503, "unavailable")}
        assert field.counted("retries") >= 1
        assert (
            field.edge_counted()["steps"]["handshake"]["admitted"] == 2
        )  # a refused REGISTER leaves the WebSocket open


def test_a_wrong_password_is_not_tried_again(edge: EdgeProcess) -> None:
    with sip_field(edge, password="wrong", retry={"max_retries": 5}) as field:
        assert not field.softphone().call()
        assert [(each.status, each.outcome.value) for each in field.seen.failures] == [(401, "unauthorized")]


def test_a_nonce_that_is_too_old_is_replaced() -> None:
    with sip_field("sip: {nonce_expires: 1ms}") as field:
        phone = field.softphone()
        phone.call()
        outcomes = field.seen.outcomes("registration")
        assert outcomes in (["ok"], ["unauthorized"])  # each new nonce may be too old as well


def test_the_next_call_ends_the_one_before(edge: EdgeProcess) -> None:
    with sip_field(edge, calls={"count": 2, "every": "0s"}) as field:
        phone = field.softphone()
        assert phone.call()
        assert phone.call()
        field.hang_up()
        counted = field.edge_counted()
        assert counted["calls"]["ended"] == 2
        assert counted["sessions"]["total"] == 1


def test_the_edge_hangs_up() -> None:
    with sip_field("sip: {talk_for: 50ms}") as field:
        phone = field.softphone()
        assert phone.call()
        phone.hold(0.3)
        assert field.edge_counted()["calls"]["ended"] == 1
        assert phone.connected


def hold_until(phone: Softphone, condition: Callable[[], bool]) -> None:
    """Stay connected until the condition holds."""
    give_up_s = time.monotonic() + PATIENT_S
    while not condition():
        assert time.monotonic() < give_up_s
        phone.hold(0.05)


def test_a_registration_is_refreshed_before_it_ends(edge: EdgeProcess) -> None:
    settings = SipSettings.model_validate({"expires": "1s"})
    with sip_field(edge, settings) as field:
        phone = field.softphone()
        assert phone.call()  # the edge demands 10 s, and gets them
        hold_until(phone, lambda: field.edge_counted()["registrations"]["refreshed"] == 1)
        assert field.seen.failures == []
        assert phone.in_call


def test_a_call_that_rings_too_long_is_cancelled() -> None:
    with sip_field("sip: {ring_for: 1h}", timeout="300ms", retry={"max_retries": 0}) as field:
        phone = field.softphone()
        assert not phone.call()
        assert [each.outcome.value for each in field.seen.failures] == ["timed_out"]
        hold_until(phone, lambda: field.edge_counted()["calls"]["retracted"] == 1)
        assert phone.connected


def test_an_answer_that_comes_too_late_is_confirmed_and_the_call_ended(edge: EdgeProcess) -> None:
    with sip_field(edge, settings=PAIR, timeout="1s", retry={"max_retries": 0}) as field:
        callee, caller = field.softphone(), field.softphone()
        callee.call()
        callee_calls = field.edge_counted()["calls"]
        assert not caller.call()  # nobody reads the callee's WebSocket
        stop = threading.Event()
        holding = threading.Thread(target=hold, args=(callee, stop))
        holding.start()
        try:
            hold_until(caller, lambda: field.edge_counted()["calls"]["ended"] > callee_calls["ended"])
        finally:
            stop.set()
            holding.join()
        assert field.edge_counted()["calls"]["answered"] == callee_calls["answered"] + 1
