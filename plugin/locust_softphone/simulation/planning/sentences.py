"""What a plan found, in sentences."""

from __future__ import annotations

from math import inf

from locust_softphone.config.profile import Profile
from locust_softphone.config.units import format_duration, format_rate
from locust_softphone.simulation.planning.planner import RampPlan, with_margin
from locust_softphone.simulation.planning.ramp_search import RampShape

__all__ = ["plan_lines", "ramp_words", "why_not"]

_MARGINS = (0.0, 0.05, 0.1, 0.2)


def plan_lines(profile: Profile, plan: RampPlan, margin: float) -> list[str]:
    """The ramp, how sure it is, what decides it, and what other margins would cost."""
    assert plan.shape is not None
    users, goals = profile.users, ", ".join(map(str, plan.goals))
    shape = with_margin(plan.shape, margin)
    lines = [f"{profile.name}: {users} softphones {ramp_words(shape, users)} meet {goals}"]
    if not plan.shape.seconds:
        return [*lines, "all at once: no ramp is needed"]
    held = (
        f"{plan.held} of {plan.checked} simulated runs" if plan.checked > 1 else "the simulated run (nothing is random)"
    )
    lines.append(f"without a margin: {ramp_words(plan.shape, users)}; {held} met them")
    if plan.first_refusal is not None:
        first = plan.first_refusal
        deciding = next((str(n) for n in plan.needs if (n.step, n.limit) == (first.step, first.limit)), "")
        lines.append(f"decides: {deciding or f'{first.step}: {first.limit}'}; a shorter ramp fails there first")
    longest = plan.needs[0] if plan.needs else None
    if longest is not None and longest.exact and 0 < longest.seconds < inf:
        ratio = plan.shape.seconds / longest.seconds
        lines.append(
            f"closed form: {format_duration(round(longest.seconds, 3))}, the search found "
            f"{format_duration(round(plan.shape.seconds, 3))} ({ratio - 1:+.1%})"
        )
    costs = (f"{each:.0%} {format_duration(round(with_margin(plan.shape, each).seconds, 2))}" for each in _MARGINS)
    lines.append(f"what a margin costs: {', '.join(costs)}")
    if plan.connected_s is not None:
        lines.append(f"without a margin, all are connected after {format_duration(round(plan.connected_s, 2))}")
    return lines


def why_not(profile: Profile, plan: RampPlan) -> list[str]:
    """Why no ramp meets the goals, and what has to change."""
    goals = ", ".join(map(str, plan.goals))
    lines = [f"{profile.name}: no ramp lets {profile.users} softphones meet {goals}"]
    impossible = [need for need in plan.needs if need.seconds == inf]
    for need in impossible:
        lines.append(f"- {need}: time makes no room, only the end of a session does. {_cap_advice(profile, need.cap)}")
    if not impossible and plan.first_refusal is not None:
        first = plan.first_refusal
        lines.append(f"- even the longest ramp fails at {first.step}: {first.limit}, after {first.at_s:.1f} s")
        if first.limit == "early_offer":
            lines.append("  softphones offer before their session is ready: set softphone.ready to wait")
    by_token = [need for need in plan.needs if "token" in need.says and need.seconds > 0]
    if by_token and profile.softphone.token == "shared":
        lines.append(f"- {by_token[0]}: give each softphone its own token (softphone.token: per-softphone)")
    return lines


def _cap_advice(profile: Profile, cap: int | None) -> str:
    if cap is None:
        return "The limit has to be raised"
    return f"Use at most {min(cap, profile.users)} softphones, have the cap raised, or spread them over more keys"


def ramp_words(shape: RampShape, users: int) -> str:
    """The ramp in words."""
    if shape.at_once >= users:
        return "all at once"
    over = format_duration(round(shape.seconds, 3))
    rate = format_rate(round((users - shape.at_once) / shape.seconds, 2))
    start = f"{shape.at_once} at once, then " if shape.at_once else ""
    return f"{start}{rate} over {over}"
