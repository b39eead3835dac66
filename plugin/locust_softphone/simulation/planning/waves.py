"""Waves: as many softphones at once as a window or a lump admits, again and again.

    250 in each window of 5 s      250 ── 5 s ── 250             500 in 5 s; at an even rate they need 10 s

A hint beside the plan, where waves are shorter: they use each quota to the full, and so have no margin.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import ceil
from typing import Any, NamedTuple

from locust_softphone.config.profile import Profile
from locust_softphone.config.units import format_duration
from locust_softphone.simulation.planning.planner import RampPlan, meets_with_ramp
from locust_softphone.simulation.simulated_run import Surroundings

__all__ = ["Waves", "shorter_waves"]

MOST_WAVES = 100
SEEDS = 5
LONGER = 1.01
"""The time between two waves is this many times the window, so that none comes before its end."""
WORTH = 0.95


class Waves(NamedTuple):
    """Waves of softphones.

    Args:
        size: how many start at once.
        every_s: seconds between two waves.
        waves: how many waves.
    """

    size: int
    every_s: float
    waves: int

    @property
    def seconds(self) -> float:
        """From the first wave to the last one."""
        return (self.waves - 1) * self.every_s

    def ramp(self, users: int) -> dict[str, Any]:
        """The ramp as a profile has it."""
        return {"stages": list(self._stages(users))}

    def _stages(self, users: int) -> Iterator[dict[str, Any]]:
        for number in range(1, self.waves + 1):
            yield {"to": min(number * self.size, users)}
            if number < self.waves:
                yield {"hold": format_duration(round(self.every_s, 3))}

    def __str__(self) -> str:
        every, lasts = (format_duration(round(each, 2)) for each in (self.every_s, self.seconds))
        return f"{self.size} at once every {every}: {lasts} in all"


def shorter_waves(profile: Profile, surroundings: Surroundings, plan: RampPlan) -> Waves | None:
    """Waves that meet the plan's goals in less time than its ramp, or None."""
    if plan.shape is None or plan.first_refusal is None:
        return None
    first = plan.first_refusal
    need = next((need for need in plan.needs if (need.step, need.limit) == (first.step, first.limit)), None)
    if need is None or need.wave is None or need.requests != profile.users:
        return None
    size, window_s = need.wave
    waves = Waves(size, window_s * LONGER, ceil(profile.users / size))
    if not 1 < waves.waves <= MOST_WAVES or waves.seconds > WORTH * plan.shape.seconds:
        return None
    ramp = waves.ramp(profile.users)
    seeds = (replace(surroundings, seed=surroundings.seed + n) for n in range(SEEDS if plan.checked > 1 else 1))
    return waves if all(meets_with_ramp(profile, each, ramp, plan.goals) for each in seeds) else None
