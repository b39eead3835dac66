"""The run record of a simulated run."""

from __future__ import annotations

import time
from dataclasses import asdict
from datetime import UTC, datetime

from locust_softphone.config.profile import Profile
from locust_softphone.runs import ledger
from locust_softphone.runs.build import RunEnd, RunStart, build
from locust_softphone.runs.record import RunRecord
from locust_softphone.runs.versions import installed_versions
from locust_softphone.simulation.simulated_run import SimulatedRun, Surroundings
from locust_softphone.simulation.young_garbage import only_young_garbage

__all__ = ["simulate"]


def simulate(profile: Profile, surroundings: Surroundings, *, diagnosed: bool = False) -> RunRecord:
    """Do a simulated run; returns its record, whose measurements are the same for the same arguments.

    Args:
        profile: what the softphones do.
        surroundings: the edge, the network and the seed.
        diagnosed: whether the record says which limits explain the refusals, as that of a real run does. It
            takes longer than the run.

    Raises:
        InputError: the policy has something that cannot be simulated.
    """
    with only_young_garbage():  # until nothing but the record is left
        return _simulated(profile, surroundings, diagnosed=diagnosed)


def _simulated(profile: Profile, surroundings: Surroundings, *, diagnosed: bool) -> RunRecord:
    run = SimulatedRun(profile, surroundings)
    run.go()
    counters = run.edge.counters()
    sessions = counters["sessions"]["total"]
    balanced = ledger.balance(run.tally.counts, counters["steps"], profile.dialect, sessions=sessions)
    end = RunEnd(
        after_s=run.ended_s,
        ended="plan over",
        edge=counters,
        ledger=balanced,
        invalid=[f"the ledger does not balance: {problem}" for problem in balanced["problems"]],
    )
    return build(_start(profile, surroundings, diagnosed=diagnosed), run.tally, end)


def _start(profile: Profile, surroundings: Surroundings, *, diagnosed: bool) -> RunStart:
    policy = {name: part for name, part in surroundings.policy.as_json().items() if name != "organisations"}
    now = time.time()
    return RunStart(
        run_id=f"{datetime.fromtimestamp(now, UTC).strftime('%Y%m%dT%H%M%S.%fZ')}-{profile.name}",
        profile=profile.resolved(),
        planned=profile.schedule().starts_per_second(profile.duration_s),
        leaving=profile.schedule().leaves_per_second(profile.duration_s),
        calls_each=profile.softphone.calls.count,
        target={"url": "virtual", "simulated": True, "policy": policy},
        versions=installed_versions(),
        workers=0,
        began_at=now,
        simulation={"seed": surroundings.seed, **asdict(surroundings.network)},
        diagnosed=diagnosed,
    )
