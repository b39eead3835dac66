"""The steps of each dialect: what the edge counts, and which failures share a back-off."""

from __future__ import annotations

import pytest

from locust_softphone.metrics.steps import DIALECTS, TRANSPORTS, backs_off_with, request_steps


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_dialect_has_each_step_once_from_token_to_close(dialect: str) -> None:
    names = [step.name for step in DIALECTS[dialect]]
    assert len(set(names)) == len(names)
    assert (names[0], names[-1]) == ("token", "close")
    assert set(backs_off_with(dialect)) == set(names)
    assert set(backs_off_with(dialect).values()) <= set(names)


def test_a_step_has_the_same_transport_in_every_dialect() -> None:
    for steps in DIALECTS.values():
        assert {step.name: step.transport for step in steps}.items() <= TRANSPORTS.items()


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
