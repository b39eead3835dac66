"""The explanation of a plan in words: when it really starts, a table with a chart, advice, and what is left out."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from locust_softphone.jmeter.forum_advice import advice_lines
from locust_softphone.jmeter.plan_import import ImportedGroup, ImportedPlan
from locust_softphone.jmeter.profile_yaml import profile_remarks
from locust_softphone.jmeter.samplers import Role

__all__ = ["TimeRow", "explanation", "findings_of", "time_rows"]

MOST_ROWS = 20
BAR = 30
_WIDTHS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 14400, 86400)


class TimeRow(NamedTuple):
    """A part of the time of a plan.

    Args:
        from_s: its begin.
        to_s: its end.
        starts: how many softphones start in it.
        samples: how often each sampler is used for the first time by a thread.
        again: how many threads begin their second pass of the script.
    """

    from_s: int
    to_s: int
    starts: int
    samples: list[int]
    again: int


def time_rows(group: ImportedGroup) -> list[TimeRow]:
    """The starts and first samples over time, in at most ``MOST_ROWS`` rows of the same width."""
    last_s = max([group.starts[-1], *(times[-1] for times in (*group.samples, group.again) if times)])
    width = next((w for w in _WIDTHS if last_s < w * MOST_ROWS), int(last_s / MOST_ROWS) + 1)
    rows = int(last_s / width) + 1
    columns = [_counts(times, width, rows) for times in (group.starts, group.again, *group.samples)]
    return [
        TimeRow(row * width, (row + 1) * width, starts, samples, again)
        for row, (starts, again, *samples) in enumerate(zip(*columns, strict=True))
    ]


def _counts(times: Sequence[float], width: int, rows: int) -> list[int]:
    counts = [0] * rows
    for time_s in times:
        counts[int(time_s / width)] += 1
    return counts


def findings_of(group: ImportedGroup) -> list[str]:
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


def explanation(imported: ImportedPlan, predicted: Mapping[str, Sequence[str]], width: int) -> str:
    """The whole explanation as text.

    Args:
        imported: the plan.
        predicted: what an edge would do with each profile, if it was simulated.
        width: of the terminal, in characters.
    """
    parts: list[str] = []
    for group in imported.groups:
        parts += [f"{group.name}", *_wrapped(findings_of(group), width), "", *_table(group, width), ""]
        if lines := predicted.get(group.name):
            parts += ["  at an edge with this policy:", *_listed(lines, width), ""]
        parts += ["  the forum's advice:", *_listed(advice_lines(group), width), ""]
        if remarks := profile_remarks(group):
            parts += ["  not expressed by the profile:", *_listed(remarks, width), ""]
    if imported.left_out:
        parts += ["left out:", *_listed(imported.left_out, width)]
    return "\n".join(parts).rstrip() + "\n"


def _wrapped(lines: Sequence[str], width: int) -> Iterator[str]:
    for line in lines:
        yield from textwrap.wrap(line, width, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)


def _listed(lines: Sequence[str], width: int) -> Iterator[str]:
    for line in lines:
        yield from textwrap.wrap(line, width, initial_indent="  - ", subsequent_indent="    ", break_on_hyphens=False)


def _table(group: ImportedGroup, width: int) -> Iterator[str]:
    """The rows with a bar for the starts, and a column for each sampler that comes later than the starts."""
    rows = time_rows(group)
    shown = [n for n, times in enumerate(group.samples) if list(times) != list(group.starts)][:3]
    most = max(row.starts for row in rows) or 1
    titles = [f"{_role_of(group, n)} {n + 1}" for n in shown] + ["second pass"] * bool(group.again)
    yield f"  {'seconds':>12}  {'starts':>7}  {'':{BAR}}{''.join(f'{title:>14}' for title in titles)}".rstrip()
    for row in rows:
        bar = "█" * round(BAR * row.starts / most) or ("▏" if row.starts else "")
        span = f"{row.from_s}-{row.to_s}"
        numbers = [row.samples[n] for n in shown] + [row.again] * bool(group.again)
        samples = "".join(f"{number:>14}" for number in numbers)
        yield f"  {span:>12}  {row.starts:>7}  {bar:{BAR}}{samples}".rstrip()[:width]


def _role_of(group: ImportedGroup, number: int) -> str:
    return group.uses[number].roles[0].value
