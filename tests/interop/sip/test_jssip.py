"""JsSIP with libwebrtc at our simulated edge: it registers, calls, and is called by our softphones and calls them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from locust_softphone.config.sip_settings import SipSettings
from tests.edge_process import EdgeProcess, running_edge
from tests.interop.sip.jssip import JsSip
from tests.interop.sip.test_kamailio import held, softphones
from tests.signaling.sip.test_sip_softphone import sip_field

DOMAIN, PASSWORD = "edge.example", "simulated"  # the default policy's


@pytest.fixture(scope="module")
def edge() -> Iterator[EdgeProcess]:
    with running_edge() as running:
        yield running


def jssip(edge: EdgeProcess, user: str, password: str = PASSWORD) -> JsSip:
    return JsSip(f"{edge.url.replace('http', 'ws', 1)}/ws", f"sip:{user}@{DOMAIN}", password)


def test_jssip_registers_and_calls_the_edge(edge: EdgeProcess) -> None:
    with jssip(edge, "browser") as browser:
        assert browser.started["event"] == "registered"
        assert browser.call(f"sip:+12025550100@{DOMAIN}")["event"] == "confirmed"
        assert browser.hang_up()["event"] == "ended"


def test_jssip_is_told_why_it_is_refused(edge: EdgeProcess) -> None:
    with jssip(edge, "browser", "wrong") as browser:
        assert (browser.started["event"], browser.started["status"]) == ("registrationFailed", 401)
    with jssip(edge, "browser") as browser:
        refused = browser.call(f"sip:nobody@{DOMAIN}")
        assert (refused["event"], refused["status"]) == ("failed", 480)


def test_a_softphone_calls_jssip(edge: EdgeProcess) -> None:
    with jssip(edge, "browser") as browser, sip_field(edge, SipSettings(call="browser")) as field:
        assert field.softphone().call()
        assert browser.event("confirmed")["event"] == "confirmed"
        field.hang_up()
        assert browser.event("ended")["event"] == "ended"


def test_jssip_calls_a_softphone(edge: EdgeProcess) -> None:
    port = int(edge.url.rpartition(":")[2])
    with (
        jssip(edge, "browser") as browser,
        softphones(port, "+12025550100", PASSWORD, DOMAIN) as (phones, seen),
    ):
        assert phones[0].call()
        with held(phones[0]):
            assert browser.call(f"sip:agent1@{DOMAIN}")["event"] == "confirmed"
            assert browser.hang_up()["event"] == "ended"
        assert seen.tally.counts["inbound_calls_answered"] == 1
