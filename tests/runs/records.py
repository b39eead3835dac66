"""Run records to test reports with: whatever a real run's tally would have counted, put through ``runs.build``.

a_record("burst", users=10, answered=4, limited={"offer": 6})
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from locust_softphone.config.expectation import Expectation
from locust_softphone.config.profile import Profile
from locust_softphone.metrics.attempt import Attempt
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.metrics.retry_after_sample import RetryAfterSample
from locust_softphone.metrics.tally import Tally
from locust_softphone.runs import ledger
from locust_softphone.runs.build import Aborted, RunEnd, RunStart, build
from locust_softphone.runs.record import RunRecord
from locust_softphone.runs.storage import parse

__all__ = ["a_profile", "a_record", "a_start", "changed", "measured_in", "replaced"]

NONE: Mapping[str, Any] = MappingProxyType({})
SETUP_S = 0.2


def a_profile(name: str = "burst", **fields: Any) -> Profile:
    """A profile, given as its file would have it."""
    return Profile.model_validate({"name": name, "users": 10, "ramp": "0s", **fields})


def a_record(
    name: str = "burst",
    *,
    answered: int | None = None,
    gave_up: int | None = None,
    limited: Mapping[str, int] = NONE,
    abnormal: Mapping[str, int] = NONE,
    too_early: int = 0,
    connected_after_s: float = 1.0,
    expect: Sequence[str] = (),
    invalid: Sequence[str] = (),
    aborted_by: str | None = None,
    url: str = "http://127.0.0.1:8080",
    simulated: bool = True,
    policy: Mapping[str, Any] = NONE,
    versions: Mapping[str, str] = NONE,
    **fields: Any,
) -> RunRecord:
    """The record of a run.

    Args:
        name: the profile's.
        answered: softphones that were answered, all by default. Each makes one attempt of each step that is answered.
        gave_up: softphones that gave up: by default those that were not answered.
        limited: attempts that were refused with 429, besides, by step.
        abnormal: abnormal closes by cause.
        too_early: retries that came too early.
        connected_after_s: when the last one connected, if all did.
        expect: the profile's expectations.
        invalid: why the run is not valid.
        aborted_by: which expectation it was aborted by, after 1.5 s; None for a run that was not.
        url: of the edge.
        simulated: whether it is a simulated one.
        policy: its policy.
        versions: what is to be different from the usual ones.
        fields: of the profile, as its file would have them.
    """
    profile = a_profile(name, expect=list(expect), **fields)
    answered = profile.users if answered is None else answered
    gave_up = profile.users - answered if gave_up is None else gave_up
    tally = _tally(profile.users, answered, gave_up, connected_after_s)
    for step, times in limited.items():
        for _ in range(times):
            tally.attempt(Attempt(step, 0.0, 0.0, 0.01, Outcome.RATE_LIMITED, 429))
    for cause, times in abnormal.items():
        tally.count(f"abnormal_closes.{cause}", 0.5, times)
        tally.count("closes.1006", 0.5, times)
    for n in range(too_early):
        tally.count("retries", 0.4)
        tally.retry(RetryAfterSample("offer", 3.0 + n / 1000, 0.5))
    start = RunStart(
        run_id=f"20260801T120000.000000Z-{name}",
        profile=profile.resolved(),
        planned=[profile.users],
        calls_each=profile.softphone.calls.count,
        target={"url": url, "simulated": simulated, "policy": dict(policy) if simulated else None},
        versions={"locust-softphone": "0.1.0", "locust": "2.47.0", "python": "3.11.7", "platform": "x", **versions},
        workers=0,
        began_at=1_785_585_600.0,
    )
    tally.observations.clear()  # they are all of one instant
    end = RunEnd(
        after_s=20.0,
        ended="aborted" if aborted_by else "plan over",
        edge={"steps": _edge_steps(tally)} if simulated else None,
        ledger=ledger.balance(tally.counts, _edge_steps(tally)) if simulated else None,
        invalid=invalid,
        aborted=Aborted(Expectation.parse(aborted_by), 1.5, 1) if aborted_by else None,
    )
    return build(start, tally, end)


def changed(record: RunRecord, change: Callable[[Any], object]) -> RunRecord:
    """The record that a file has after a change to it."""
    content = json.loads(record.to_json())
    change(content)
    return parse(content)


def replaced(record: RunRecord, **parts: object) -> RunRecord:
    """The record with other parts."""
    return changed(record, lambda content: content.update(parts))


def a_start() -> RunStart:
    """What a journal begins with: ten softphones, all in the first second."""
    profile = a_profile(expect=["answered == 100%"])
    target = {"url": "http://127.0.0.1:8080", "simulated": True, "policy": {}}
    versions = dict.fromkeys(("locust-softphone", "locust", "python", "platform"), "1")
    return RunStart("1-burst", profile.resolved(), [10, 0], 1, target, versions, 0, 1_700_000_000.0)


def measured_in(second: int) -> Tally:
    """What a softphone would have measured that started in this second."""
    tally, at_s = Tally(), float(second)
    for name in ("started", "connected", "calls.answered", "answered"):
        tally.count(name, at_s)
    tally.attempt(Attempt("offer", at_s, at_s + 0.1, at_s + 0.3, Outcome.OK))
    tally.attempt(Attempt("token", at_s, at_s, at_s + 0.01, Outcome.RATE_LIMITED, status=429))
    tally.retry(RetryAfterSample("token", at_s + 1, at_s + 0.5))
    tally.setup_times[int(at_s)].record(0.25)
    tally.latencies["start_lag"].record(0.001)
    return tally


def _tally(users: int, answered: int, gave_up: int, connected_after_s: float) -> Tally:
    tally = Tally()
    tally.count("started", 0.0, users)
    for _ in range(answered):
        for step in ("token", "handshake", "ready", "offer", "close"):
            tally.attempt(Attempt(step, 0.0, 0.0, 0.01, Outcome.OK))
        tally.latencies["call_setup.service"].record(SETUP_S)
        tally.latencies["call_setup"].record(SETUP_S)
        tally.setup_times[0].record(SETUP_S)
        tally.latencies["start_lag"].record(0.001)
        tally.count("closes.1000", 10.0)
    tally.count("connected", connected_after_s, answered)
    tally.count("answered", connected_after_s, answered)
    tally.count("calls.answered", connected_after_s, answered)
    tally.count("gave_up", 5.0, gave_up)
    for second in range(int(connected_after_s), 10):
        tally.timeline[second].update({"connected_now": answered, "in_call_now": answered} if answered else {})
    return tally


def _edge_steps(tally: Tally) -> dict[str, Any]:
    """What an edge would have counted that saw all of it."""
    steps = {}
    for step in ("token", "handshake", "offer"):
        admitted = tally.counts[f"outcomes.{step}.ok"]
        refused = tally.counts[f"status.{step}.429"]
        refusals = {"429": refused} if refused else {}
        steps[step] = {"requests": admitted + refused, "admitted": admitted, "refused": refusals, "cut": 0}
    return steps
