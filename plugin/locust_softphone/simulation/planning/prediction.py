"""What an edge with a policy would do with a profile, in a few lines."""

from __future__ import annotations

from locust_softphone.config.policy import Policy
from locust_softphone.config.profile import Profile
from locust_softphone.metrics.steps import request_steps
from locust_softphone.simulation.planning.closed_form import needs_of
from locust_softphone.simulation.planning.planner import plan_ramp
from locust_softphone.simulation.planning.sentences import ramp_words, why_not
from locust_softphone.simulation.simulated_record import simulate
from locust_softphone.simulation.simulated_run import Surroundings

__all__ = ["prediction"]


def prediction(profile: Profile, policy: Policy) -> list[str]:
    """What each limit demands, what one simulated run of the profile gives, and which ramp is enough."""
    surroundings = Surroundings(policy)
    record = simulate(profile, surroundings)
    metrics = record.metrics
    refused = [(metrics[f"rate_limited.{step}"], step) for step in request_steps(profile.dialect)]
    by_step = ", ".join(f"{n:g} {step}" for n, step in refused if n)
    lines = [f"limit: {need}" for need in needs_of(profile, policy)]
    lines.append(
        f"simulated: {record.totals.answered} of {profile.users} answered, {metrics['rate_limited']:g} requests get a "
        f"429{f' ({by_step})' if by_step else ''}, {metrics['abnormal_closes']:g} connections close abnormally"
    )
    plan = plan_ramp(profile, surroundings)
    if plan.shape is None:
        return lines + why_not(profile, plan)
    goals = ", ".join(map(str, plan.goals))
    return [*lines, f"enough for {goals}: {ramp_words(plan.shape, profile.users)}"]
