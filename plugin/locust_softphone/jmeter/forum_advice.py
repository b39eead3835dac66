"""Which of the advice in the forum thread a plan follows already (docs/background.md)."""

from __future__ import annotations

from collections.abc import Sequence

from locust_softphone.jmeter.plan_import import ImportedGroup
from locust_softphone.jmeter.samplers import Role
from locust_softphone.jmeter.thread_groups import FOREVER

__all__ = ["advice_lines"]

ADVISED_RAMP_S = 60.0
ADVISED_PER_S = 50
_WINDOW_S = 1 - 1e-9


def advice_lines(group: ImportedGroup) -> list[str]:
    """One line for each piece of advice, with what the plan does."""
    starts = group.starts
    span_s = starts[-1] - starts[0]
    peak = _peak_per_s(starts)
    roles = [role for use in group.uses for role in use.roles]
    repeats = group.plan.passes not in (0, 1)
    lines = [
        f"a ramp-up of 60 s: {'followed' if span_s >= 0.95 * ADVISED_RAMP_S else 'not followed'} ({span_s:.3g} s)",
        f"at most 50 new connections a second: {'followed' if peak <= ADVISED_PER_S else 'not followed'} "
        f"(up to {peak} starts in one second)",
        f"reuse tokens: {_reuse(group, Role.TOKEN, 'token', repeats)}",
        f"reuse WebSocket connections: {_reuse(group, Role.HANDSHAKE, 'connection', repeats)}",
    ]
    if Role.OFFER in roles:
        waits = Role.READ in roles[: roles.index(Role.OFFER)]
        lines.append(f"wait for ready before the offer: {'a read comes before the offer' if waits else 'not followed'}")
    lines.append("exponential backoff, and Retry-After: not followed; scripts in the plan are not read")
    return lines


def _reuse(group: ImportedGroup, role: Role, what: str, repeats: bool) -> str:
    uses = [use for use in group.uses if role in use.roles]
    if not uses:
        return f"the group makes no {what}"
    if len(uses) > 1 or (repeats and not all(use.once for use in uses)):
        passes = "without an end" if group.plan.passes == FOREVER else f"{group.plan.passes} times"
        return f"not followed (a new {what} in each pass, {passes})"
    return f"one {what} for each thread"


def _peak_per_s(times: Sequence[float]) -> int:
    peak = first = 0
    for last, start_s in enumerate(times):
        while start_s - times[first] >= _WINDOW_S:
            first += 1
        peak = max(peak, last - first + 1)
    return peak
