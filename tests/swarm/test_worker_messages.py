"""Messages of workers that cannot be used are refused, each with its reason."""

from __future__ import annotations

from typing import Any

import pytest

from locust_softphone.metrics.tally import Tally
from locust_softphone.swarm.cluster.messages import MessageType
from locust_softphone.swarm.cluster.worker_messages import UnusableMessage, read_report, read_worker_message

NAN, INFINITE = float("nan"), float("inf")


def measured() -> dict[str, Any]:
    tally = Tally()
    tally.count("started", 1.5)
    tally.call(1.0, 1.0, 1.2)
    return tally.to_plain()


def test_a_tally_is_read_as_it_was_measured() -> None:
    tally, until_s = read_report("tally", {"until_s": 5.0, "tally": measured()}, 60.0)
    assert (tally.to_plain(), until_s) == (measured(), 5.0)


@pytest.mark.parametrize(
    "changed",
    [
        {"counts": {"started": NAN}},
        {"counts": {"started": -50}},
        {"counts": {"started": "x"}},
        {"counts": {"x" * 1000: 1}},
        {"counts": {f"x{number}": 1 for number in range(200_000)}},
        {"counts": None},
        {"timeline": [[3_000_000, {"started": 0}]]},
        {"timeline": [[-1, {"started": 0}]]},
        {"timeline": [[1, {"started": INFINITE}]]},
        {"timeline": [["x", {}]]},
        {"timeline": 5},
        {"setup_times": [["x", 1, 1]]},
        {"setup_times": [[3_000_000, 1, 1]]},
        {"latencies": {"offer": [5_000_000_000_000, 10]}},
        {"latencies": {"offer": [-5, -10]}},
        {"latencies": {"offer": [1]}},
        {"retry_sample": [["offer", "x", 1.0]]},
        {"first_s": {"started": NAN}},
    ],
    ids=str,
)
def test_a_tally_that_nobody_measured_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(UnusableMessage):
        read_report("tally", {"until_s": 5.0, "tally": {**measured(), **changed}}, 60.0)


@pytest.mark.parametrize("data", [{}, {"until_s": NAN, "tally": {}}, {"until_s": "x", "tally": 5}, {"until_s": 1.0}])
def test_a_report_without_a_tally_is_refused(data: dict[str, Any]) -> None:
    with pytest.raises(UnusableMessage):
        read_report("tally", data, 60.0)


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (MessageType.ECHO, {}),
        (MessageType.ECHO, {"sent_s": "x"}),
        (MessageType.ECHO, {"sent_s": NAN}),
        (MessageType.BACK_OFF, {"step": 1, "for_s": 1.0}),
        (MessageType.BACK_OFF, {"step": "offer", "for_s": INFINITE}),
        (MessageType.BACK_OFF, {"step": "offer"}),
        (MessageType.TOKEN_REQUEST, {}),
        (MessageType.JOINED, {}),
        (MessageType.JOINED, {"version": 1}),
        (MessageType.FINISHED, None),
        (MessageType.TALLY, "x"),
        (MessageType.TALLY, [1]),
    ],
)
def test_a_message_with_a_missing_key_or_of_another_type_is_refused(kind: MessageType, data: Any) -> None:
    with pytest.raises(UnusableMessage, match=str(kind)):
        read_worker_message(kind, data)
