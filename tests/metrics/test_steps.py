"""The steps of each dialect: what the edge counts, and which failures share a back-off."""

from __future__ import annotations

import pytest

from locust_softphone.metrics.steps import DIALECTS, backs_off_with, ready_step, request_steps, transports_of


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_dialect_has_each_step_once_to_its_close(dialect: str) -> None:
    names = [step.name for step in DIALECTS[dialect]]
    assert len(set(names)) == len(names)
    assert (names[0], names[-1]) == ("handshake" if dialect == "sip" else "token", "close")  # SIP has no token
    assert set(backs_off_with(dialect)) == set(names)
    assert set(backs_off_with(dialect).values()) <= set(names)


def test_an_offer_travels_over_http_or_sip() -> None:
    assert {dialect: transports_of(dialect)["offer"] for dialect in DIALECTS} == {
        "media-offer": "POST",
        "genesys-cloud": "POST",
        "sip": "SIP",
    }


def test_the_step_in_which_a_session_becomes_ready() -> None:
    assert [ready_step(dialect) for dialect in DIALECTS] == ["ready", "ready", "registration"]


def test_the_steps_whose_requests_the_edge_counts() -> None:
    assert request_steps("media-offer") == ("token", "handshake", "offer")
    assert request_steps("genesys-cloud") == ("token", "identity", "channel", "handshake", "offer")


def test_the_steps_of_connecting_share_a_back_off_in_genesys_cloud() -> None:
    assert {step for step, with_ in backs_off_with("genesys-cloud").items() if with_ == "handshake"} == {
        "identity",
        "channel",
        "handshake",
        "ready",
    }
    assert all(step == with_ for step, with_ in backs_off_with("media-offer").items())
