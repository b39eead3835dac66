"""The profile of a thread group, as YAML with comments."""

from __future__ import annotations

from locust_softphone.config.schedule import Stage
from locust_softphone.config.units import format_duration
from locust_softphone.jmeter.departures import RampDown, ramp_down_of
from locust_softphone.jmeter.plan_import import ImportedGroup
from locust_softphone.jmeter.ramp_stages import stages_for
from locust_softphone.jmeter.samplers import Role
from locust_softphone.jmeter.thread_groups import FOREVER

__all__ = ["profile_remarks", "profile_yaml"]

HOLD_S = 15.0
"""How long softphones stay after the last start if the plan has no end of its own."""

SHORTEST_HOLD_S = 1.0
MOST_CALLS = 1000


def profile_yaml(group: ImportedGroup, plan_file: str) -> str:
    """The text of the profile's file.

    Args:
        group: the thread group.
        plan_file: the name of the plan's file, for the comment.
    """
    stages, _ = stages_for(group.starts)
    random = ["arrivals: poisson"] if group.plan.random else []
    leave = _ramp_down(group)
    down = [f"ramp_down: {format_duration(leave.over_s)}"] if leave else []
    lines = [
        f"# Imported from {plan_file}: {group.element}.",
        *(f"# Paced by {timer}." for timer in group.timers),
        f"name: {group.name}",
        f"users: {len(group.starts)}",
        f"ramp: {_ramp(stages)}",
        *random,
        f"hold: {format_duration(hold_s(group))}",
        *down,
        "softphone:",
        "  like: jmeter-default        # neither waits nor retries after a refusal, like the plan",
        f"  token: {_token(group)}",
        f"  ready: {_ready(group)}",
        f"  connection: {_connection(group)}",
        f"  calls: {_calls(group)}",
    ]
    remarks = profile_remarks(group)
    notes = ["# Not expressed:", *(f"# - {line}" for line in remarks)] if remarks else []
    return "\n".join([*lines, *notes]) + "\n"


def profile_remarks(group: ImportedGroup) -> list[str]:
    """What the profile does not say exactly as the plan does."""
    _, exact = stages_for(group.starts)
    lines = list(group.left_out)
    roles = [role for use in group.uses for role in use.roles]
    if Role.HANDSHAKE not in roles and Role.OFFER not in roles:
        lines.append("none of its samplers opens a WebSocket or sends an offer: the profile has its starts only")
    if Role.TOKEN not in roles:
        lines.append("it has no sampler for a token; the profile's softphones share one")
    if not exact:
        lines.append("starts are grouped by second, in stages")
    if lengths := {thread.end_s for thread in group.plan.threads if thread.end_s is not None}:
        leave = _ramp_down(group)
        if leave and not leave.exact:
            lines.append("its threads end in steps; the profile's softphones leave evenly, in the same time")
        elif len(lengths) > 1 and not leave:
            lines.append("its threads end at different times; the profile's softphones stay until the end")
    else:
        lines.append(f"its threads end with their script; the profile holds {format_duration(hold_s(group))}")
    if group.plan.passes == FOREVER:
        lines.append(f"its threads repeat their script without an end; in the profile it is calls: {_calls(group)}")
    if later := later_waits(group):
        lines.append(f"later samples are paced too: {later}; a softphone goes on at once")
    return lines


def later_waits(group: ImportedGroup) -> str:
    """Where in the script a timer delays samples after the first one, in words."""
    found = []
    for before, after, use in zip(group.samples, group.samples[1:], group.uses[1:], strict=False):
        if before and len(before) == len(after) and sum(after) - sum(before) > 0.0005 * len(after):
            mean_s = (sum(after) - sum(before)) / len(after)
            found.append(f"{use.element} {format_duration(round(mean_s, 3))} later on average")
    return ", ".join(found)


def hold_s(group: ImportedGroup) -> float:
    """How long the run goes on after the last start."""
    ends = [thread.end_s for thread in group.plan.threads if thread.end_s is not None]
    if leave := _ramp_down(group):
        return round(leave.end_s - group.starts[-1], 3)
    if ends:
        return max(round(max(ends) - group.starts[-1], 3), SHORTEST_HOLD_S)
    script_s = sum(use.reads_for_s for use in group.uses) + max(group.plan.passes - 1, 0) * group.pass_s
    return max(HOLD_S, round(script_s + SHORTEST_HOLD_S, 3))


def _ramp_down(group: ImportedGroup) -> RampDown | None:
    """How softphones leave one by one, if they all start and the last one has started before."""
    leave = ramp_down_of(group.plan.threads) if len(group.starts) == len(group.plan.threads) else None
    return leave if leave and leave.end_s - leave.over_s > group.starts[-1] else None


def _ramp(stages: list[Stage]) -> str:
    if len(stages) == 1:
        return format_duration(stages[0].over_s)
    texts = [
        f"{{hold: {format_duration(stage.over_s)}}}"
        if stage.to is None
        else f"{{to: {stage.to}, over: {format_duration(stage.over_s)}}}"
        for stage in stages
    ]
    return "{stages: [" + ",\n  ".join(texts) + "]}"


def _token(group: ImportedGroup) -> str:
    tokens = [use for use in group.uses if Role.TOKEN in use.roles]
    if not tokens:
        return "shared"
    return "per-softphone" if all(use.once for use in tokens) or group.plan.passes == 1 else "per-connection"


def _ready(group: ImportedGroup) -> str:
    roles = [role for use in group.uses for role in use.roles]
    before_offer = roles[: roles.index(Role.OFFER)] if Role.OFFER in roles else roles
    return "wait" if Role.HANDSHAKE in before_offer and Role.READ in before_offer else "ignore"


def _connection(group: ImportedGroup) -> str:
    again = any(Role.HANDSHAKE in use.roles and not use.once for use in group.uses) and group.plan.passes != 1
    return "per-call" if again else "reuse"


def _calls(group: ImportedGroup) -> str:
    offers = sum(Role.OFFER in use.roles for use in group.uses)
    if not offers:
        return "{count: 1}"
    every_s = round(group.pass_s / offers, 3)
    leave = _ramp_down(group)
    present_s = hold_s(group) - (leave.over_s if leave else 0.0)
    if group.plan.passes == FOREVER:
        count = int(present_s / every_s) if every_s > 0 else 1
    else:
        count = group.plan.passes * offers
    count = max(min(count, MOST_CALLS), 1)
    if every_s > 0:
        count = min(count, int(present_s / every_s) + 1)
    return f"{{count: {count}, every: {format_duration(every_s)}}}"
