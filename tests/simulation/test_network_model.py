"""The network of a finished run."""

from __future__ import annotations

import pytest

from locust_softphone.errors import InputError
from locust_softphone.simulation.network_model import NetworkModel
from tests.simulation.simulated import policy, profile, simulate


def test_a_simulated_run_has_its_network_in_its_record() -> None:
    network = NetworkModel(0.05, 0.002, 0.001)
    assert NetworkModel.from_record(simulate(profile(2), policy(), network)) == network


def test_the_offers_of_a_real_run_show_its_network() -> None:
    record = simulate(profile(100, "10s"), policy(), NetworkModel(0.05, 0.0))
    real = record.model_copy(update={"simulation": None})
    found = NetworkModel.from_record(real)
    assert found.round_trip_s == pytest.approx(0.05, rel=0.02)
    assert found.jitter_s < 0.001


def test_a_burst_shows_the_work_for_a_request() -> None:
    record = simulate(profile(200), policy(), NetworkModel(0.02, 0.0, 0.001))
    found = NetworkModel.from_record(record.model_copy(update={"simulation": None}))
    assert found.work_s == pytest.approx(0.001, rel=0.25)  # 40 ms of round trips are part of the 240 ms
    assert found.jitter_s == 0


def test_a_run_without_an_answered_offer_does_not_show_its_network() -> None:
    record = simulate(profile(2), policy()).model_copy(update={"simulation": None, "histograms": {}})
    with pytest.raises(InputError, match="no offer was answered"):
        NetworkModel.from_record(record)
