"""Our softphones behind a real Kamailio: they register, call each other and a callee, and its limits are found.

Kamailio's limits count requests, and a request with credentials that answers a challenge is a second one. ``pipelimit``
leaves those out here; ``pike`` counts every request of a source address.
"""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from locust_softphone.config.sip_settings import SipSettings
from locust_softphone.signaling.dialects.sip.sip_client import Sip
from locust_softphone.signaling.softphone import Softphone
from locust_softphone.signaling.target import Target
from tests.interop.sip.kamailio import DOMAIN, PASSWORD, SERVICE, callee, kamailio
from tests.signaling.softphones import Observations, Time, a_fleet
from tests.swarm.locust_process import records, run_locust

PATIENCE_S = 60.0
BURST = f"""
name: burst
dialect: sip
sip: {{domain: {DOMAIN}, user: "agent{{number}}", call: softphone}}
users: 20
ramp: 0s
hold: 15s
softphone: {{retry: {{max_retries: 15, retry_after: honour, jitter: full}}}}
"""


@contextmanager
def softphones(
    port: int, call: str, password: str = PASSWORD, domain: str = DOMAIN, count: int = 2
) -> Iterator[tuple[list[Softphone], Observations]]:
    """Softphones, agent1 and so on, that call a number, or each other, and do not try again."""
    settings = SipSettings(domain=domain, user="agent{number}", call=call)

    def dialect(target: Target, _: object, **options: Any) -> Sip:
        return Sip(target, password, settings, **options)

    seen = Observations()
    once = {"max_retries": 0}
    fleet = a_fleet(Target("127.0.0.1", port).resolved(), seen, Time(), dialect=dialect, retry=once)
    phones = [Softphone(fleet, number, 0.0) for number in range(count)]
    try:
        yield phones, seen
    finally:
        for phone in phones:
            phone.hang_up()


@contextmanager
def held(phone: Softphone) -> Iterator[None]:
    """Let a softphone answer what comes, meanwhile."""
    done = threading.Event()

    def hold() -> None:
        while not done.is_set():
            phone.hold(0.05)

    holding = threading.Thread(target=hold)
    holding.start()
    try:
        yield
    finally:
        done.set()
        holding.join()


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_softphones_register_with_digest_and_call_each_other(algorithm: str, tmp_path: Path) -> None:
    with kamailio(tmp_path, algorithm=algorithm) as server, softphones(server.port, "softphone") as (phones, seen):
        first, second = phones
        assert first.call()  # itself: there is none before it
        with held(first):
            assert second.call()
        assert seen.failures == []
        assert seen.outcomes("registration") == ["ok", "ok"]
        assert seen.tally.counts["inbound_calls_answered"] == 2


def test_a_wrong_password_is_refused(tmp_path: Path) -> None:
    with kamailio(tmp_path) as server, softphones(server.port, SERVICE, "wrong") as (phones, seen):
        assert not phones[0].call()
        assert [(each.status, each.outcome.value) for each in seen.failures] == [(401, "unauthorized")]


def test_a_user_that_nobody_has_registered_is_unavailable(tmp_path: Path) -> None:
    with kamailio(tmp_path) as server, softphones(server.port, "nobody") as (phones, seen):
        assert not phones[0].call()
        assert {each.status for each in seen.failures} == {480}


def test_sipp_is_called_through_kamailio_and_gets_ack_and_bye(tmp_path: Path) -> None:
    with kamailio(tmp_path) as server, callee(tmp_path, server, "-m", "2", "-timeout", "60s") as process:
        with softphones(server.port, SERVICE) as (phones, seen):
            assert all(phone.call() for phone in phones)
            assert seen.outcomes("offer") == ["ok", "ok"]  # its answer fits our offer
        process.wait(PATIENCE_S)
    assert process.returncode == 0, (
        tmp_path / "sipp.log"
    ).read_text()  # each call had its ACK and BYE, and nothing else came


def test_a_burst_that_pipelimit_refuses_registers_with_retries(tmp_path: Path) -> None:
    with kamailio(tmp_path, registers_per_s=5) as server:
        password = {"LOCUST_SOFTPHONE_CLIENT_SECRET": PASSWORD}
        run_locust(tmp_path, "--host", f"http://127.0.0.1:{server.port}", profile=BURST, environment=password)
    (record,) = records(tmp_path)
    outcomes = record["steps"]["registration"]["outcomes"]
    assert outcomes["unavailable"] > 0
    assert outcomes["ok"] == 20
    assert record["steps"]["registration"]["statuses"] == {"503": outcomes["unavailable"]}


def test_pike_refuses_a_source_address_and_its_retry_after_is_heard(tmp_path: Path) -> None:
    with kamailio(tmp_path, pike_requests=6) as server, softphones(server.port, "nobody", count=12) as (phones, seen):
        for phone in phones:
            phone.call()
    refused = [each for each in seen.failures if each.status == 503]
    assert refused
    assert {(each.outcome.value, each.advice.retry_after_s) for each in refused} == {("unavailable", 1.0)}


def test_the_probe_finds_the_limit_of_kamailios_configuration(tmp_path: Path) -> None:
    with kamailio(tmp_path, registers_per_s=20) as server:
        host = f"http://127.0.0.1:{server.port}"
        command = [sys.executable, "-m", "locust_softphone", "probe", "--host", host, "--profile", "burst.yaml"]
        (tmp_path / "burst.yaml").write_text(BURST)
        secret = tmp_path / "password"
        secret.write_text(PASSWORD)
        ran = subprocess.run(
            [*command, "--step", "registration", "--longest", "40s", "--client-secret-file", str(secret)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S * 3,
        )
    assert ran.returncode == 0, ran.stderr
    found = re.match(r"registration +fixed window .*: window [\d.]+ to [\d.]+ s, quota (\d+)", ran.stdout)
    assert found is not None, ran.stdout  # a timer of Kamailio's ends its windows, late on a busy machine
    assert int(found[1]) == 20
