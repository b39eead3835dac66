"""The steps of each dialect: what the edge counts, and which failures share a back-off."""

from __future__ import annotations

import pytest

from locust_softphone.metrics.steps import DIALECTS, TRANSPORTS, backs_off_with, request_steps


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_dialect_names_each_step_once_and_ends_with_the_goodbye(dialect: str) -> None:
    names = [step.name for step in DIALECTS[dialect]]
    assert len(set(names)) == len(names)
    assert (names[0], names[-1]) == ("token", "close")
    assert set(backs_off_with(dialect)) == set(names)
    assert set(backs_off_with(dialect).values()) <= set(names)


def test_a_step_goes_over_the_same_transport_in_every_dialect() -> None:
    for steps in DIALECTS.values():
        assert {step.name: step.transport for step in steps}.items() <= TRANSPORTS.items()


def test_the_edge_counts_requests_and_nothing_else() -> None:
    assert request_steps("media-offer") == ("token", "handshake", "offer")
    assert request_steps("genesys-cloud") == ("token", "identity", "channel", "handshake", "offer")


def test_connecting_backs_off_as_a_whole_where_the_real_client_does() -> None:
    assert {step for step, with_ in backs_off_with("genesys-cloud").items() if with_ == "handshake"} == {
        "identity",
        "channel",
        "handshake",
        "ready",
    }
    assert all(step == with_ for step, with_ in backs_off_with("media-offer").items())
