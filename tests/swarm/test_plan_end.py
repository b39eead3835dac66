"""The end of a plan: whatever a softphone waits for then, it hangs up, and each WebSocket's end is in the record."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from tests.faults.scripted_edge import Visit, scripted_edge
from tests.swarm.locust_process import run_locust

USERS = 4
PROFILE = """
name: tiny
users: 4
ramp: 0s
hold: 2s
softphone: {{like: recommended, timeout: 30s, calls: {{count: 2, every: 500ms}}, {softphone}}}
edge: {{limits: {{offer: {{rate: 1/min, burst: {burst}}}}}}}
"""


@pytest.mark.parametrize(
    ("softphone", "burst"),
    [
        ("retry: {scope: fleet}", 1),
        ("retry: {scope: user}", 1),
        ("retry: {remaining: honour}", USERS),
        ("retry: {retry_after: ignore, initial: 60s, max_wait: 60s, jitter: none}", 1),
    ],
    ids=["fleet hold", "Retry-After", "X-RateLimit-Reset", "back-off"],
)
def test_a_wait_beyond_the_plan_ends_with_the_plan(tmp_path: Path, softphone: str, burst: int) -> None:
    run = run_locust(tmp_path, profile=PROFILE.format(softphone=softphone, burst=burst))
    assert run.returncode == 0, run.stderr
    assert run.record["closes"] == run.record["edge"]["closes"] == {"1000": USERS}
    assert (run.record["cut_off"], run.record["edge"]["lost"]) == (0, 0)
    assert run.record["steps"]["close"]["outcomes"] == {"ok": USERS}
    assert run.record["ledger"]["balanced"] is True


TURNOVER = """
name: shifts
users: 6
ramp: {at_once: 2, over: 1s}
stay: 2s
hold: 30s
softphone: {like: recommended}
expect: [answered == 100%]
"""


def test_softphones_leave_after_their_stay_and_others_take_their_place(tmp_path: Path) -> None:
    run = run_locust(tmp_path, profile=TURNOVER)
    assert run.returncode == 0, run.stderr
    assert run.record["closes"] == run.record["edge"]["closes"] == {"1000": 6}
    assert run.record["ledger"]["balanced"] is True
    assert sum(second.get("planned_leaves", 0) for second in run.record["timeline"]) == 5
    began, ended = (datetime.fromisoformat(run.record["times"][name]) for name in ("planned_start", "end"))
    assert (ended - began).total_seconds() < 30  # it ends when the last one has left, not after the hold


def silence(visit: Visit) -> None:
    """Answer nothing, until the softphone leaves."""
    while visit.connection.recv(4096):
        pass


def test_softphones_that_wait_for_an_answer_when_the_plan_ends_hang_up_too(tmp_path: Path) -> None:
    with scripted_edge({"offer": [silence] * USERS}) as url:
        run = run_locust(tmp_path, "--host", url, profile=PROFILE.format(softphone="ready: wait", burst=1))
    assert run.record["steps"]["offer"]["outcomes"] == {"cancelled": USERS}
    assert run.record["steps"]["close"]["outcomes"] == {"ok": USERS}
    assert (run.record["closes"], run.record["cut_off"]) == ({"1000": USERS}, 0)


def test_a_websocket_whose_close_frame_is_not_answered_is_cut_off_and_counted(tmp_path: Path) -> None:
    with scripted_edge({"hold": [silence] * USERS}) as url:
        run = run_locust(tmp_path, "--host", url, profile=PROFILE.format(softphone="ready: wait", burst=1))
    assert run.record["steps"]["close"]["outcomes"] == {"cancelled": USERS}
    assert (run.record["closes"], run.record["cut_off"]) == ({}, USERS)
