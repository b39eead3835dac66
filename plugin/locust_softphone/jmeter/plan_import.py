"""A plan becomes profiles: one for each thread group, what each does, and everything that a profile cannot express.

element of the plan ─┬─ thread groups, timers, samplers ─► ImportedGroup, with its profile as YAML
                     └─ everything else ─► a line of ``left_out``
a value that the plan does not say ─► a line of ``missing``
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from locust_softphone.jmeter.left_out import left_out_of, unexpressed_settings
from locust_softphone.jmeter.pacing import first_samples
from locust_softphone.jmeter.plan_settings import BadSetting, PlanSettings
from locust_softphone.jmeter.plan_timers import delay_of, describe_timer
from locust_softphone.jmeter.plan_tree import PlanElement
from locust_softphone.jmeter.samplers import SamplerUse, uses_of
from locust_softphone.jmeter.thread_groups import GroupPlan, is_thread_group, plan_of
from locust_softphone.jmeter.timers import Delay
from locust_softphone.jmeter.variables import NotGiven, Variables, user_defined

__all__ = ["ImportedGroup", "ImportedPlan", "import_plan"]

LONGEST_NAME = 64
MOST_SAMPLES = 1_000_000
"""How many samples are looked at: of a million threads, those of the first sampler only."""


@dataclass(frozen=True)
class ImportedGroup:
    """A thread group, and when it really makes its samples.

    Args:
        name: of the profile.
        element: the thread group.
        plan: its threads.
        uses: its samplers, in the order of the script.
        samples: for each sampler, when each thread uses it first, in seconds.
        again: when each thread begins its second pass of the script; empty if there is none.
        pass_s: from one pass of the script to the next, by its timers.
        timers: its timers, in words.
        left_out: what the profile cannot express of it.
    """

    name: str
    element: PlanElement
    plan: GroupPlan
    uses: tuple[SamplerUse, ...]
    samples: tuple[tuple[float, ...], ...]
    again: tuple[float, ...]
    pass_s: float
    timers: tuple[str, ...]
    left_out: tuple[str, ...]

    @property
    def starts(self) -> Sequence[float]:
        """When its softphones start: with the first sample of each thread, or with the thread if it has none."""
        return self.samples[0] if self.samples and self.samples[0] else [t.start_s for t in self.plan.threads]


@dataclass(frozen=True)
class ImportedPlan:
    """What is known about a plan.

    Args:
        groups: those that became profiles.
        left_out: elements without an equivalent, one line each.
        missing: what the plan does not say and has to be given, and settings that cannot be used, one line each.
    """

    groups: tuple[ImportedGroup, ...]
    left_out: tuple[str, ...]
    missing: tuple[str, ...]


def import_plan(root: PlanElement, name: str, given: Mapping[str, str]) -> ImportedPlan:
    """Translate a plan.

    Args:
        root: of the tree of the plan.
        name: the name of the plan, for the names of the profiles.
        given: values for variables, properties and functions.
    """
    variables = Variables(user_defined(root.walk()), given)
    groups: list[ImportedGroup] = []
    missing: list[str] = []
    left_out = left_out_of(root)
    plan_timers = tuple(timer for timer, _ in _timers_of_plan(root))
    elements = [element for element in root.walk() if is_thread_group(element.kind)]
    for element in elements:
        try:
            plan = plan_of(PlanSettings(element, variables))
        except NotGiven as error:
            missing.append(f"{element}: {_ask(str(error))}")
            continue
        except BadSetting as error:
            missing.append(f"{element}: {error}")
            continue
        if plan is None:
            left_out.append(f"{element}: this kind of thread group is not known")
            continue
        profile = _profile_name(name, element.name, [group.name for group in groups], alone=len(elements) == 1)
        groups.append(_group(profile, element, plan, plan_timers, variables))
    return ImportedPlan(tuple(groups), tuple(left_out), tuple(missing))


def _group(
    name: str, element: PlanElement, plan: GroupPlan, plan_timers: tuple[PlanElement, ...], variables: Variables
) -> ImportedGroup:
    script_uses = uses_of(element, plan_timers)
    uses = script_uses[: max(MOST_SAMPLES // (2 * len(plan.threads)), 1)]
    left_out = unexpressed_settings(PlanSettings(element, variables))
    if more := len(script_uses) - len(uses):
        left_out.append(f"the last {more} samplers of its script: too many samples to look at")
    delays: dict[int, Delay] = {}
    timers = []
    for timer in _distinct(timer for use in uses for timer in use.timers):
        settings = PlanSettings(timer, variables)
        try:
            delay = delay_of(settings, len(plan.threads))
            if delay is None:
                left_out.append(f"{timer}: this kind of timer is not known, its delays are missing")
                continue
            timers.append(describe_timer(settings))
            delays[id(timer)] = delay
        except NotGiven as error:
            left_out.append(f"{timer}: its delays are missing; {_ask(str(error))}")
        except BadSetting as error:
            left_out.append(f"{timer}: its delays are missing; {error}")
    script = [[delays[id(timer)] for timer in use.timers if id(timer) in delays] for use in uses]
    repeats = plan.passes not in (0, 1)
    later = [waits for use, waits in zip(uses, script, strict=True) if repeats and not use.once]
    times = first_samples(plan.threads, script + later)  # two passes: enough to see how far apart they are
    repeated = [waits for use, waits in zip(uses, times, strict=False) if not use.once]
    pass_s = _apart(repeated, times[len(uses) :]) if later else 0.0
    samples = tuple(tuple(each) for each in times[: len(uses)])
    again = tuple(times[len(uses)]) if later else ()
    return ImportedGroup(name, element, plan, tuple(uses), samples, again, pass_s, tuple(timers), tuple(left_out))


def _apart(first: Sequence[Sequence[float]], second: Sequence[Sequence[float]]) -> float:
    """How far the second pass of a script is behind the first, on average over the threads that make both."""
    for before, after in zip(first, second, strict=False):
        if before and len(before) == len(after):
            return (sum(after) - sum(before)) / len(before)
    return 0.0


def _timers_of_plan(root: PlanElement) -> Iterator[tuple[PlanElement, PlanElement]]:
    """The timers beside the thread groups, which apply to all of them."""
    for plan in root.children:
        yield from ((child, plan) for child in plan.children if child.kind.endswith("Timer"))


def _distinct(elements: Iterator[PlanElement]) -> list[PlanElement]:
    return list({id(element): element for element in elements}.values())


def _ask(what: str) -> str:
    return f"the plan does not say {what!r}; give it with --set-var '{what}=VALUE'"


def _profile_name(plan: str, group: str, taken: Sequence[str], *, alone: bool) -> str:
    """A name for a profile that no other one has."""
    text = plan if alone else f"{plan}-{group}"
    name = re.sub(r"[^a-z0-9._]+", "-", text.lower()).strip("-._")[: LONGEST_NAME - 4] or "plan"
    number = 2
    unique = name
    while unique in taken:
        unique, number = f"{name}-{number}", number + 1
    return unique
