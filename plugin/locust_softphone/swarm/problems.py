"""Why the measurements of a run cannot be trusted, apart from lost workers and the ledger. Pure."""

from __future__ import annotations

from locust_softphone.config.profile import Profile
from locust_softphone.config.units import format_duration
from locust_softphone.metrics.tally import Tally
from locust_softphone.runs.early_stop import HopelessStep
from locust_softphone.runs.saturation import saturation
from locust_softphone.swarm.load.lease import LEASE_S
from locust_softphone.swarm.option_list import as_typed

__all__ = ["problems_of", "stopped_because"]


def problems_of(
    profile: Profile, tally: Tally, *, hopeless: HopelessStep | None, stopped: bool, ended_early: bool
) -> list[str]:
    """Why a run is not valid, a sentence each.

    Args:
        profile: what was planned.
        tally: what was measured.
        hopeless: the step that failed always, or None; it ended early because of it, or was too small for that.
        stopped: whether somebody stopped it before its plan was over.
        ended_early: whether it ended before its plan was over, for whatever reason.
    """
    found = []
    started = tally.counts["started"]
    if hopeless is not None:
        if ended_early:
            keep_going = as_typed("--softphone-keep-going")
            found.append(f"{stopped_because(hopeless)}; {keep_going} runs the whole plan all the same")
        else:
            found.append(f"{hopeless}: {hopeless.advice}")
    elif stopped:
        found.append("the run was stopped before its plan was over")
    known = started + tally.counts["starts_missed"] + tally.counts["starts_skipped"]
    if known < profile.users and not ended_early:
        found.append(f"only {started} of {profile.users} planned softphones started")
    if skipped := tally.counts["starts_skipped"]:
        found.append(f"{skipped} softphones were not started: their worker stood still for more than {LEASE_S:g} s")
    if crashed := tally.counts["crashed"]:
        found.append(f"the script of {crashed} softphones ended with an exception; see Locust's log")
    if (cut := tally.counts["scripts_cut_short"]) and not ended_early and not profile.allow_cut_short:
        found.append(
            f"the scripts of {cut} softphones had not finished when the plan was over: make the profile's hold "
            f"({format_duration(profile.hold_s)}) longer or the scripts shorter, or set allow_cut_short: true"
        )
    if saturated := saturation(tally):
        found.append(saturated)
    return found


def stopped_because(step: HopelessStep) -> str:
    """Why a run ended early, and what to check."""
    return f"stopped early, because {step}: {step.advice}"
