"""What softphones experience in virtual time: limits, deadlines, drops, the end of the plan; each ledger balances."""

from __future__ import annotations

import gc
from typing import Any

import pytest

from locust_softphone.config.policy import Policy
from locust_softphone.config.profile_files import load_profile, profile_folders
from locust_softphone.errors import InputError
from locust_softphone.metrics.steps import ready_step
from locust_softphone.runs.record import RunRecord
from locust_softphone.signaling.softphone import Softphone
from locust_softphone.simulation.network_model import NetworkModel
from locust_softphone.simulation.simulated_run import SimulatedRun, Surroundings
from tests.simulation.simulated import INSTANT, policy, profile, simulate

NO_RETRY = {"retry": {"max_retries": 0}}
TEN_AT_ONCE = {"kind": "token-bucket", "rate": "1/s", "burst": 10}


def test_a_burst_gets_what_the_bucket_holds() -> None:
    record = simulate(profile(15, softphone=NO_RETRY), policy(limits={"handshake": TEN_AT_ONCE}))
    assert (record.totals.connected, record.totals.answered, record.totals.gave_up) == (10, 10, 5)
    assert record.rate_limited == {"total": 5, "token": 0, "handshake": 5, "offer": 0}
    assert record.abnormal_closes["refused"] == 5


def test_a_ramp_at_the_rate_of_the_bucket_is_admitted() -> None:
    record = simulate(profile(50, {"rate": "1/s"}), policy(limits={"handshake": {"rate": "1/s", "burst": 1}}))
    assert record.totals.answered == 50
    assert record.rate_limited["total"] == 0


def test_retries_honour_the_slot_that_the_edge_gives() -> None:
    patient = {"retry": {"retry_after": "honour", "jitter": "none", "initial": "0s", "max_retries": 5}}
    record = simulate(profile(14, softphone=patient), policy(limits={"handshake": TEN_AT_ONCE}))
    assert record.totals.answered == 14
    assert record.time_to_connected_s == pytest.approx(4.0)
    assert (record.retries.honoured, record.retries.too_early) == (4, 0)


def test_a_client_that_retries_too_early_too_often_is_cut() -> None:
    hasty = {"retry": {"retry_after": "ignore", "jitter": "none", "initial": "0s", "max_retries": 9}}
    record = simulate(
        profile(2, softphone=hasty),
        policy(limits={"handshake": {"rate": "1/min", "burst": 1}}, max_early_retries=3),
        NetworkModel(0.001, 0.0, 0.0),
    )
    assert record.steps["handshake"].outcomes["lost"] == 6  # of ten attempts, three early ones were tolerated
    assert record.edge is not None
    assert record.edge["steps"]["handshake"]["cut"] == 6


def test_an_offer_before_ready_costs_the_connection() -> None:
    record = simulate(profile(2, softphone={"ready": "ignore", **NO_RETRY}), policy(setup="1/s"))
    assert record.totals.answered == 1  # the first is ready at once
    assert record.steps["offer"].statuses == {"409": 1}
    assert record.abnormal_closes["lost"] == 1
    assert record.edge is not None
    assert record.edge["cuts"] == {"early_offer": 1}


def test_a_session_whose_offer_stays_unanswered_is_cut_at_the_deadline() -> None:
    record = simulate(
        profile(2, softphone=NO_RETRY),
        policy(limits={"offer": {"rate": "1/min", "burst": 1}}, offer_deadline="4s"),
    )
    assert record.abnormal_closes["lost"] == 1
    assert [row.second for row in record.timeline if row.counts.get("abnormal_closes.lost")] == [4]
    assert record.closes["1000"] == 1


def test_an_offer_that_is_answered_later_keeps_its_session() -> None:
    record = simulate(
        profile(2, softphone={"retry": {"initial": "3s", "jitter": "none", "max_retries": 1}}),
        policy(limits={"offer": {"rate": "1/s", "burst": 1}}, offer_deadline="4s"),
    )
    assert record.totals.answered == 2
    assert record.closes == {"1000": 2}


@pytest.mark.parametrize("dialect", ["media-offer", "genesys-cloud", "sip"])
def test_each_session_is_set_up_once(dialect: str) -> None:
    record = simulate(profile(3, dialect=dialect, softphone=NO_RETRY), policy(setup="1/s"))
    assert record.steps[ready_step(dialect)].service_s.max == pytest.approx(2.0, rel=0.01)


def test_softphones_are_freed_without_the_garbage_collector() -> None:
    def softphones() -> int:
        return sum(isinstance(each, Softphone) for each in gc.get_objects())

    gc.collect()
    before = softphones()
    gc.disable()
    try:
        simulate(profile(20), policy(limits={"handshake": TEN_AT_ONCE}, drop_all_after="5s"))
        assert softphones() == before
    finally:
        gc.enable()


@pytest.mark.parametrize("dialect", ["media-offer", "genesys-cloud", "sip"])
def test_dropped_calls_are_set_up_again(dialect: str) -> None:
    dropped = policy(drop_all_after="5s", setup="1000/s")
    record = simulate(profile(20, dialect=dialect), dropped, NetworkModel(0.01))
    assert (record.reconnects.made, record.reconnects.failed) == (20, 0)
    assert record.totals.answered == 20
    assert record.closes == {"1000": 20, "1006": 20}
    assert record.timeline[19].counts["in_call_now"] == 20


def test_a_softphone_without_retries_stays_dropped() -> None:
    record = simulate(profile(3, softphone=NO_RETRY), policy(drop_all_after="5s"))
    assert [row.counts.get("connected_now", 0) for row in record.timeline[4:6]] == [3, 0]
    assert record.closes == {"1006": 3}


@pytest.mark.parametrize(
    ("cap", "outcome"),
    [
        ({"kind": "session-cap", "cap": 3, "refusal": {"status": 503}}, "unavailable"),
        ({"kind": "session-cap", "cap": 3, "refusal": {"status": 503, "after": "30s"}}, "timed_out"),
    ],
)
def test_a_cap_refuses_further_sessions(cap: dict[str, Any], outcome: str) -> None:
    record = simulate(profile(5, softphone=NO_RETRY), policy(limits={"sessions": cap}))
    assert record.steps["handshake"].outcomes == {"ok": 3, outcome: 2}


def test_a_cap_that_evicts_ends_the_oldest_session() -> None:
    cap = {"kind": "evicting-cap", "cap": 3}
    record = simulate(profile(5, {"rate": "1/s"}, softphone=NO_RETRY), policy(limits={"sessions": cap}))
    assert record.totals.answered == 5
    assert (record.abnormal_closes["lost"], record.closes["1000"]) == (2, 3)


def test_a_call_that_ends_makes_room_below_a_cap() -> None:
    calls = {"calls": {"count": 2, "every": "5s"}, "connection": "per-call", **NO_RETRY}
    cap = {"kind": "session-cap", "cap": 2}
    record = simulate(profile(2, softphone=calls), policy(limits={"sessions": cap}))
    assert record.totals.answered == 2


def test_a_queue_delays_answers() -> None:
    queue = {"kind": "work-queue", "workers": 1, "queue": 9, "work": "1s"}
    record = simulate(profile(4, softphone=NO_RETRY), policy(limits={"offer": queue}))
    assert record.steps["offer"].service_s.max == pytest.approx(4.0, rel=0.01)


def test_the_network_delays_every_step() -> None:
    record = simulate(profile(1), policy(), NetworkModel(0.1, 0.0, 0.0))
    longest = {name: step.service_s.max for name, step in record.steps.items()}
    expected = {"token": 0.2, "handshake": 0.2, "offer": 0.1, "close": 0.1}
    assert {name: longest[name] for name in expected} == pytest.approx(expected, rel=0.01)


def test_work_is_done_one_request_after_the_other() -> None:
    record = simulate(profile(100, softphone=NO_RETRY), policy(), NetworkModel(0.0, 0.0, 0.01))
    assert record.steps["token"].service_s.max == pytest.approx(1.0, rel=0.01)


def test_all_softphones_share_a_token_that_is_fetched_once() -> None:
    record = simulate(profile(20, softphone={"token": "shared"}), policy(), NetworkModel(0.01))
    assert record.steps["token"].attempts == 1
    assert record.totals.answered == 20


def test_one_refusal_holds_back_the_fleet() -> None:
    fleet = {"retry": {"retry_after": "honour", "scope": "fleet", "pace": "1/s", "max_retries": 5}}
    record = simulate(
        profile(16, softphone=fleet), policy(limits={"handshake": TEN_AT_ONCE}), NetworkModel(0.002, 0.0, 0.001)
    )
    assert record.totals.answered == 16
    assert record.time_to_connected_s == pytest.approx(7.0, abs=1.0)


def test_pings_are_counted_as_if_each_was_sent() -> None:
    record = simulate(profile(3), policy(ping_every="6s"))
    assert record.pings_answered == 9  # at 6, 12 and 18 s of 20


def test_what_waits_for_an_answer_at_the_end_is_cancelled() -> None:
    slow = policy(limits={"offer": {"kind": "work-queue", "workers": 1, "queue": 9, "work": "60s"}})
    record = simulate(profile(1, softphone={"timeout": "30s"}), slow)
    assert record.steps["offer"].outcomes == {"cancelled": 1}
    assert record.totals.unfinished == 1


def measurements(record: RunRecord) -> dict[str, Any]:
    return record.model_dump(exclude={"run_id", "times"})


def test_the_same_seed_gives_the_same_measurements() -> None:
    jittery = profile(30, arrivals="poisson", softphone={"retry": {"jitter": "full", "max_retries": 5}})
    limited = policy(limits={"handshake": TEN_AT_ONCE})
    first, again, other = (simulate(jittery, limited, NetworkModel(0.01, 0.01), seed) for seed in (1, 1, 2))
    assert measurements(first) == measurements(again)
    assert measurements(first) != measurements(other)


def test_the_record_says_that_it_was_simulated() -> None:
    record = simulate(profile(1), policy(), NetworkModel(0.02, 0.001, 0.0), seed=7)
    assert record.simulation is not None
    assert record.simulation.model_dump() == {"seed": 7, "round_trip_s": 0.02, "jitter_s": 0.001, "work_s": 0.0}


def test_what_cannot_be_simulated_is_refused() -> None:
    inbound = policy(genesys_cloud={"inbound_calls": {"rate": "1/s"}})
    with pytest.raises(InputError, match=r"inbound_calls: calls from outside cannot be simulated"):
        SimulatedRun(profile(1), Surroundings(inbound, INSTANT))
    each_other = profile(1, dialect="sip", sip={"call": "softphone"})
    with pytest.raises(InputError, match=r"calls between softphones cannot be simulated"):
        SimulatedRun(each_other, Surroundings(policy(), INSTANT))


def test_a_sip_edge_refuses_registrations_with_503() -> None:
    limits = {"registration": {"rate": "1/s", "burst": 4}}
    record = simulate(profile(10, dialect="sip", softphone={"retry": {"max_retries": 0}}), policy(limits=limits))
    assert record.totals.answered == 4
    assert record.steps["registration"].outcomes == {"ok": 4, "unavailable": 6}


def test_one_503_of_a_sip_edge_holds_back_the_fleet() -> None:
    limits = {"registration": {"rate": "5/s", "burst": 1}}
    retry = {"max_retries": 3, "retry_after": "honour", "scope": "fleet", "pace": "5/s"}
    record = simulate(profile(10, dialect="sip", ramp="100ms", softphone={"retry": retry}), policy(limits=limits))
    assert record.totals.answered == 10
    assert record.steps["registration"].attempts < 20


def now_by_second(record: RunRecord, name: str) -> list[int]:
    return [second.counts.get(name, 0) for second in record.timeline]


def test_softphones_that_leave_are_replaced() -> None:
    turnover = profile(20, {"at_once": 5, "over": "4s"}, stay="10s", hold="60s")
    record = simulate(turnover, policy())
    assert record.totals.answered == 20
    assert record.closes == {"1000": 20}
    assert max(now_by_second(record, "connected_now")) == 5
    assert sum(now_by_second(record, "planned_leaves")) == 19  # the last one leaves at the end of the plan


def test_a_ramp_down_ends_sessions_one_by_one() -> None:
    record = simulate(profile(10, "0s", ramp_down="10s"), policy())
    connected = now_by_second(record, "connected_now")
    assert connected[5] == 10
    assert connected[9:20] == sorted(connected[9:20], reverse=True)
    assert 3 <= connected[15] <= 6
    assert record.closes == {"1000": 10}


def test_a_softphone_that_leaves_stops_its_retries() -> None:
    hopeful = {
        "retry": {"max_retries": 9, "initial": "8s", "max_wait": "8s", "jitter": "none", "retry_after": "ignore"}
    }
    limit = {"kind": "token-bucket", "rate": "1/h", "burst": 1}
    record = simulate(profile(2, "0s", stay="10s", softphone=hopeful), policy(limits={"handshake": limit}))
    assert (record.totals.answered, record.totals.unfinished) == (1, 1)
    assert record.steps["handshake"].attempts == 3


def test_pacing_brings_the_sip_burst_of_the_pack_through() -> None:
    burst, paced = (
        simulate(load_profile(name, profile_folders()), Policy.model_validate({})).totals.answered
        for name in ("sip-burst-500", "sip-paced-50")
    )
    assert burst < 150
    assert paced == 500
