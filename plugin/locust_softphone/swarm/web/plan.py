"""What a profile will do: the lines of ``locust-softphone describe``, and the planned starts."""

from __future__ import annotations

from typing import Any

from locust_softphone.config.profile import Profile

__all__ = ["plan_of"]

_POINTS = 200


def plan_of(profile: Profile) -> dict[str, Any]:
    """A profile as the page shows it; ``starts`` has the points of ``planned_starts``."""
    return {
        "name": profile.name,
        "about": profile.about,
        "lines": profile.describe(),
        "users": profile.users,
        "duration_s": profile.duration_s,
        "starts": planned_starts(profile),
    }


def planned_starts(profile: Profile) -> list[tuple[float, int]]:
    """The plan as a chart line: pairs of seconds and the number of softphones that are planned to start by then."""
    schedule, end_s = profile.schedule(), profile.duration_s
    times = [end_s * point / _POINTS for point in range(_POINTS + 1)]
    return [(0.0, 0), *((round(at_s, 3), schedule.started_by(at_s)) for at_s in times)]
