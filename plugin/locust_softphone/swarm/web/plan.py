"""What a profile will do, for somebody who is about to start it: the words of ``describe``, and the planned starts."""

from __future__ import annotations

from typing import Any

from locust_softphone.config.profile import Profile

__all__ = ["plan_of"]

_POINTS = 200


def plan_of(profile: Profile) -> dict[str, Any]:
    """A profile as the page shows it.

    Returns:
        ``about`` and ``lines`` in words, ``duration_s``, and ``starts``: pairs of a time in seconds and how many
        softphones are to have started by then.
    """
    return {
        "name": profile.name,
        "about": profile.about,
        "lines": profile.describe(),
        "users": profile.users,
        "duration_s": profile.duration_s,
        "starts": planned_starts(profile),
    }


def planned_starts(profile: Profile) -> list[tuple[float, int]]:
    """The plan as a line: so many points, and one more at each end of a jump."""
    schedule, end_s = profile.schedule(), profile.duration_s
    times = [end_s * point / _POINTS for point in range(_POINTS + 1)]
    return [(0.0, 0), *((round(at_s, 3), schedule.started_by(at_s)) for at_s in times)]
