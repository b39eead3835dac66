"""Plans a profile: the shortest ramp that meets its expectations in at least 95 % of simulated runs.

    search    with a few runs for each ramp: one if nothing is random, else several that must all hold
    check     the ramp that was found, with many seeds; it is lengthened by 1 % until 95 % of the runs hold
    margin    the ramp is made longer, and its start smaller

A run is given up as soon as an expectation can no longer hold, so ramps that are too short cost little.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, floor, inf

from pydantic import TypeAdapter

from locust_softphone.config.expectation import Expectation
from locust_softphone.config.policy import Policy
from locust_softphone.config.profile import Profile
from locust_softphone.config.ramp import Ramp
from locust_softphone.config.units import format_duration
from locust_softphone.metrics.catalogue import bounds_of, values_of
from locust_softphone.simulation.edge_model import FirstRefusal
from locust_softphone.simulation.planning.closed_form import LimitNeed, needs_of
from locust_softphone.simulation.planning.ramp_search import PRECISION, RampShape, shortest_ramp
from locust_softphone.simulation.simulated_run import SimulatedRun, Surroundings

__all__ = [
    "RampPlan",
    "goals_of",
    "meets",
    "meets_with_ramp",
    "plan_ramp",
    "planned_profile",
    "ramp_of",
    "with_margin",
]

GOALS = ("rate_limited == 0", "abnormal_closes == 0", "answered == 100%")
"""What a plan must meet if its profile expects nothing, or reproduces a failure."""

SHARE = 0.95
SEARCH_SEEDS, CHECK_SEEDS = 4, 40
LEAST_LONGEST_S = 900.0
"""The longest ramp that is tried, unless the limits themselves demand a longer one."""

_RAMP: TypeAdapter[object] = TypeAdapter(Ramp)


@dataclass(frozen=True)
class RampPlan:
    """What a search has found.

    Args:
        shape: the shortest ramp that holds; None if none does.
        held: how many of the checked runs met the goals.
        checked: how many runs were checked; 1 if nothing in them is random.
        goals: what the runs had to meet.
        needs: what each limit demands, the longest time first.
        first_refusal: what stops a ramp that is slightly shorter, or the longest one that was tried.
        connected_s: when all softphones were connected, in the checked run with the first seed.
    """

    shape: RampShape | None
    held: int
    checked: int
    goals: tuple[Expectation, ...]
    needs: tuple[LimitNeed, ...]
    first_refusal: FirstRefusal | None
    connected_s: float | None = None


def goals_of(profile: Profile) -> tuple[Expectation, ...]:
    """What a plan for this profile must meet."""
    if profile.expect and not profile.reproduces:
        return profile.expect
    return tuple(Expectation.parse(goal) for goal in GOALS)


def plan_ramp(profile: Profile, surroundings: Surroundings) -> RampPlan:
    """Search for the shortest ramp; the profile's own ramp does not matter."""
    needs = needs_of(profile, surroundings.policy)
    demanded_s = max((need.seconds for need in needs if need.seconds < inf), default=0.0)
    trial = _Trial(profile, surroundings)
    shape = shortest_ramp(
        profile.users, trial.holds, guess_s=demanded_s * 1.02 or 1.0, most_s=max(4 * demanded_s, LEAST_LONGEST_S)
    )
    if shape is None:
        return RampPlan(None, 0, trial.checks, trial.goals, tuple(needs), trial.refused)
    while (held := trial.check(shape)) < SHARE * trial.checks and shape.seconds < LEAST_LONGEST_S:
        shape = with_margin(shape, 0.01)
    connected_s = trial.connected_s
    trial.holds(shape._replace(seconds=shape.seconds * (1 - 5 * PRECISION)))
    return RampPlan(shape, held, trial.checks, trial.goals, tuple(needs), trial.refused, connected_s)


def with_margin(shape: RampShape, margin: float) -> RampShape:
    """The ramp with this share more time, and this share fewer softphones at once."""
    if not shape.seconds:
        return shape
    return RampShape(floor(shape.at_once * (1 - margin)), shape.seconds * (1 + margin))


def ramp_of(shape: RampShape, users: int) -> object:
    """The ramp as a profile has it, with times rounded up to a millisecond."""
    over = format_duration(ceil(round(shape.seconds * 1000, 6)) / 1000)
    if shape.at_once >= users:
        return "0s"
    if not shape.at_once:
        return over
    return {"stages": [{"to": shape.at_once}, {"to": users, "over": over}]}


def planned_profile(profile: Profile, shape: RampShape) -> Profile:
    """The profile with this ramp."""
    return _with_ramp(profile, ramp_of(shape, profile.users))


def _with_ramp(profile: Profile, ramp: object) -> Profile:
    return profile.model_copy(update={"ramp": _RAMP.validate_python(ramp, strict=False)})


class _Trial:
    """Runs a profile with different ramps."""

    def __init__(self, profile: Profile, surroundings: Surroundings) -> None:
        self.goals = goals_of(profile)
        self.checks = CHECK_SEEDS if _is_random(profile, surroundings) else 1
        self.refused: FirstRefusal | None = None
        self.connected_s: float | None = None
        self._profile = profile
        self._surroundings = surroundings
        self._known: dict[RampShape, bool] = {}

    def holds(self, shape: RampShape) -> bool:
        """Whether a few runs all meet the goals."""
        if shape not in self._known:
            seeds = range(min(self.checks, SEARCH_SEEDS))
            self._known[shape] = all(self._meets(shape, seed) for seed in seeds)
        return self._known[shape]

    def check(self, shape: RampShape) -> int:
        """How many of the runs to check meet the goals."""
        return sum(self._meets(shape, seed) for seed in reversed(range(self.checks)))

    def _meets(self, shape: RampShape, seed: int) -> bool:
        surroundings = replace(self._surroundings, seed=self._surroundings.seed + seed)
        run, met = _run(planned_profile(self._profile, shape), surroundings, self.goals)
        if met:
            self.connected_s = values_of(run.so_far(run.ended_s)).get("time_to_connected")
        else:
            self.refused = run.edge.first_refusal
        return met


def meets(profile: Profile, surroundings: Surroundings, shape: RampShape, goals: Sequence[Expectation]) -> bool:
    """Whether a simulated run with this ramp meets the goals."""
    return _run(planned_profile(profile, shape), surroundings, goals)[1]


def meets_with_ramp(profile: Profile, surroundings: Surroundings, ramp: object, goals: Sequence[Expectation]) -> bool:
    """The same for a ramp as a profile has it."""
    return _run(_with_ramp(profile, ramp), surroundings, goals)[1]


def _run(profile: Profile, surroundings: Surroundings, goals: Sequence[Expectation]) -> tuple[SimulatedRun, bool]:
    run = SimulatedRun(profile, surroundings)
    return run, run.go(lambda now_s: _is_hopeless(run, now_s, goals)) and _are_met(run, goals)


def _is_hopeless(run: SimulatedRun, now_s: float, goals: Sequence[Expectation]) -> bool:
    so_far = run.so_far(now_s)
    return any(goal.decided(bounds_of(goal.metric, so_far), so_far.planned) is False for goal in goals)


def _are_met(run: SimulatedRun, goals: Sequence[Expectation]) -> bool:
    values = values_of(run.so_far(run.ended_s))
    planned = float(run.profile.users)
    return all(goal.check({goal.metric: values.get(goal.metric), "planned": planned}) for goal in goals)


def _is_random(profile: Profile, surroundings: Surroundings) -> bool:
    """Whether runs with different seeds can differ before anything is refused."""
    return bool(surroundings.network.jitter_s) or _has_aligned_limits(surroundings.policy)


def _has_aligned_limits(policy: Policy) -> bool:
    limits = [
        limit for step in ("token", "handshake", "registration", "offer") for limit in getattr(policy.limits, step)
    ]
    return any(
        getattr(limit, "kind", "") == "lump-bucket" or getattr(limit, "begins", "") == "clock" for limit in limits
    )
