"""The explanation of a plan: what it really does, in sentences and a table. Renderers only lay it out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from locust_softphone.jmeter.forum_advice import advice_lines
from locust_softphone.jmeter.plan_import import ImportedGroup, ImportedPlan
from locust_softphone.jmeter.profile_yaml import profile_remarks
from locust_softphone.jmeter.samplers import Role
from locust_softphone.jmeter.time_table import TimeTable, time_table

__all__ = ["NOT_IMPORTED", "Explanation", "GroupExplanation", "Listing", "explain"]

NOT_IMPORTED = "not imported"
"""The title of what has to be given or put right."""


class Listing(NamedTuple):
    """Some lines under a title."""

    title: str
    lines: Sequence[str]


class GroupExplanation(NamedTuple):
    """A thread group.

    Args:
        name: of its profile.
        findings: what it really does.
        table: when it does so.
        listings: what an edge would do, the forum's advice, what the profile cannot express.
    """

    name: str
    findings: Sequence[str]
    table: TimeTable
    listings: Sequence[Listing]


class Explanation(NamedTuple):
    """A plan.

    Args:
        groups: those that became profiles.
        listings: what is left out, and what has to be given.
    """

    groups: Sequence[GroupExplanation]
    listings: Sequence[Listing]


def explain(imported: ImportedPlan, predicted: Mapping[str, Sequence[str]]) -> Explanation:
    """Explain a plan.

    Args:
        imported: the plan.
        predicted: what an edge would do with each profile, if it was simulated.
    """
    groups = [
        GroupExplanation(
            group.name,
            _findings(group),
            time_table(group),
            _with_lines(
                Listing("at an edge with this policy", predicted.get(group.name, ())),
                Listing("the forum's advice", advice_lines(group)),
                Listing("not expressed by the profile", profile_remarks(group)),
            ),
        )
        for group in imported.groups
    ]
    whole = _with_lines(Listing("left out", imported.left_out), Listing(NOT_IMPORTED, imported.missing))
    return Explanation(groups, whole)


def _with_lines(*listings: Listing) -> list[Listing]:
    return [listing for listing in listings if listing.lines]


def _findings(group: ImportedGroup) -> list[str]:
    """What the plan really does, in sentences."""
    starts = group.starts
    first = sum(1 for start_s in starts if start_s < starts[0] + 1)
    softphones = "1 softphone" if len(starts) == 1 else f"{len(starts)} softphones"
    lines = [
        f"{group.element} makes {softphones}. {first} of them start within one second from {starts[0]:.3g} s on, the "
        f"last one at {starts[-1]:.3g} s."
    ]
    for timer in group.timers:
        lines.append(f"Timer: {timer}.")
        if timer.startswith("ConstantThroughputTimer"):
            lines.append(
                "A Constant Throughput Timer does not delay the first sample of a thread, whatever its calcMode: the "
                "threads start as the thread group says. Only later samples wait."
            )
    if group.again and group.pass_s > 0:
        lines.append(
            f"The second pass of the script begins {group.pass_s:.3g} s after the first on average, between "
            f"{group.again[0]:.3g} s and {group.again[-1]:.3g} s."
        )
    if sum(use.drops_connection for use in group.uses) and _opens_again(group):
        lines.append(
            "It opens a new connection while the old one is open (createNewConnection=true or a second Open): the "
            "sampler drops the old socket without a close frame, so the plan itself makes a close with code 1006 at "
            "the edge each time. A softphone closes with 1000 first."
        )
    return lines


def _opens_again(group: ImportedGroup) -> bool:
    """Whether a thread opens a connection although it has one that no close sampler has closed."""
    is_open = False
    passes = 1 if group.plan.passes == 1 else 2
    for role in [role for use in group.uses for role in use.roles] * passes:
        if role is Role.HANDSHAKE and is_open:
            return True
        is_open = role is Role.HANDSHAKE or (is_open and role is not Role.CLOSE)
    return False
