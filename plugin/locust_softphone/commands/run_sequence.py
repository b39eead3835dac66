"""Runs profiles one after the other, each in a fresh Locust process, and keeps what each run leaves.

    runs/<time>-<profile>/run.json            the run record, as every run writes it
    runs/<time>-comparison/1-burst-500.log    everything that its Locust process printed
                          /1-burst-500        a link to the run, so that this folder can be given to ``report``

Without a host, the Locust process of each run starts and stops a simulated edge of its own.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from shutil import rmtree

from locust_softphone.commands.locust_process import (
    Interruptions,
    error_lines,
    locust_command,
    record_of,
    run,
    worker_options,
)
from locust_softphone.commands.progress import ProgressReporter
from locust_softphone.config.profile_files import list_profiles, load_profile
from locust_softphone.errors import ExitCode, InputError

__all__ = ["FinishedRun", "PlannedRun", "new_folder", "plan_runs", "run_all"]

_TICK_S = 0.5


@dataclass(frozen=True)
class PlannedRun:
    """A run to make.

    Args:
        name: the profile's name.
        path: the profile's file.
        planned_s: how long the profile takes.
    """

    name: str
    path: Path
    planned_s: float


@dataclass(frozen=True)
class FinishedRun:
    """What came of a planned run.

    Args:
        plan: the planned run.
        exit_code: one of ``ExitCode``.
        record: the folder of its run record, or None.
        missing: why it is not in the comparison, or None if it is.
        errors: what its process said about that.
    """

    plan: PlannedRun
    exit_code: int
    record: Path | None = None
    missing: str | None = None
    errors: tuple[str, ...] = ()


def plan_runs(names: Iterable[str], folders: Sequence[Path], *, repeat: int = 1) -> list[PlannedRun]:
    """The runs to make. Repetitions are interleaved (A B A B), so that a drift in time affects all profiles alike.

    Raises:
        InputError: with every problem of every profile.
    """
    planned: list[PlannedRun] = []
    problems: list[str] = []
    by_name = {profile.name: profile.path for profile in list_profiles(folders)}
    for name in names:
        try:
            profile = load_profile(name, folders)
            planned.append(PlannedRun(profile.name, by_name.get(name, Path(name)).resolve(), profile.duration_s))
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(*dict.fromkeys(problems))
    return planned * repeat


def new_folder(runs: Path) -> Path:
    """A new folder for one comparison, inside the folder of runs.

    Raises:
        InputError: it cannot be created.
    """
    folder = runs / f"{datetime.now(UTC).strftime('%Y%m%dT%H%M%S.%fZ')}-comparison"
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise InputError(f"--runs {runs}: cannot be written to ({error.strerror})") from None
    return folder


def run_all(
    plans: Sequence[PlannedRun],
    folder: Path,
    progress: ProgressReporter,
    stop: Interruptions,
    *,
    options: Sequence[str] = (),
    workers: int = 0,
    pause_s: float = 0.0,
) -> Iterator[FinishedRun]:
    """Make the runs one after the other.

    No further run is made after an interruption, or after a run that refused its input: the others would refuse it too.

    Args:
        plans: the runs to make.
        folder: where their logs go.
        progress: shows which run is in progress.
        stop: counts the interruptions.
        options: Locust's options besides the profile.
        workers: the number of worker processes of each run; 0 for a single process.
        pause_s: how long to wait between two runs.

    Raises:
        InputError: the first run refused its input, so there is nothing to report.
    """
    refused = False
    for number, plan in enumerate(plans, 1):
        if stop.count or refused:
            yield FinishedRun(plan, ExitCode.BAD_INPUT if refused else ExitCode.INVALID, missing="not run")
            continue
        progress.begin()
        if number > 1 and not _paused(pause_s, progress, stop):
            yield FinishedRun(plan, ExitCode.INVALID, missing="not run")
            continue
        command = locust_command(["--softphone-profile", str(plan.path), *options, *worker_options(workers)])
        finished = _run(plan, command, folder / f"{number}-{plan.name}", progress, stop)
        refused = finished.exit_code == ExitCode.BAD_INPUT and finished.record is None
        if refused and number == 1:
            rmtree(folder)  # it only has the log of the error that is raised here
            raise InputError(*finished.errors)
        progress.end(finished.missing or "done")
        for line in finished.errors:
            progress.say(f"  {line}")
        yield finished


def _paused(pause_s: float, progress: ProgressReporter, stop: Interruptions) -> bool:
    """Wait; returns False if an interruption ended the wait."""
    until_s = time.monotonic() + pause_s
    while not stop.count and (left_s := until_s - time.monotonic()) > 0:
        progress.tick()
        time.sleep(min(left_s, _TICK_S))
    return not stop.count


def _run(
    plan: PlannedRun, command: Sequence[str], stem: Path, progress: ProgressReporter, stop: Interruptions
) -> FinishedRun:
    """Make one run; its log is at ``stem`` with the suffix ``.log``, the link to its folder at ``stem``."""
    log = stem.with_name(f"{stem.name}.log")
    exit_code = run(
        command,
        folder=stem.parent,
        log=log,
        stop=stop,
        tick=progress.tick,
        stopping=lambda: progress.say("stopping: all softphones hang up; press Ctrl-C again to kill the run"),
    )
    if exit_code not in set(ExitCode):  # ended by a signal, or a crash of Locust
        exit_code = ExitCode.INVALID
    record = record_of(log)
    if record is None:
        errors = () if stop.count else tuple(error_lines(log))
        return FinishedRun(plan, exit_code or ExitCode.INVALID, None, f"no record, see {log}", errors)
    if stop.count and exit_code == ExitCode.INVALID:
        return FinishedRun(plan, exit_code, record, f"cut short, see {record}")
    stem.symlink_to(Path("..", record.name))
    return FinishedRun(plan, exit_code, record)
