"""Runs profiles one after the other, each in a fresh Locust process, and keeps what each of them leaves behind.

    runs/<time>-<profile>/run.json            a run's record, as any run writes it
    runs/<time>-comparison/1-burst-500.log    all that its Locust process printed
                          /1-burst-500        a link to the run, so that the folder can be reported on as it is

Without a host each run has a simulated edge of its own, started and stopped by its Locust process.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from shutil import rmtree

from locust_softphone.commands.locust_process import Interruptions, complaints, locust_command, record_of, run
from locust_softphone.commands.progress import ProgressReporter
from locust_softphone.config.profile import list_profiles, load_profile
from locust_softphone.errors import InputError

__all__ = ["DEFAULT_SET", "Arguments", "Plan", "Result", "new_folder", "pause_for", "plans", "run_all", "worst"]

DEFAULT_SET = ("burst-500", "burst-500-sdk-2.3.1", "burst-500-backoff", "burst-500-retry-after", "paced-50", "ramp-60s")

BAD_INPUT, NOT_VALID = 2, 3
PAUSE_S = 60.0
"""Between runs against an edge that is not ours: limits are mostly per minute, and the run before has used them up."""

_TICK_S = 0.5
_GRAVITY = (0, 1, NOT_VALID, BAD_INPUT)


@dataclass(frozen=True)
class Plan:
    """One run to be made.

    Args:
        name: its profile's.
        path: the profile's file.
        planned_s: how long its plan takes.
    """

    name: str
    path: Path
    planned_s: float


@dataclass(frozen=True)
class Arguments:
    """What all the runs of a comparison have in common; paths are absolute or None.

    Args:
        runs: the folder for run records.
        host: the edge, or None for a simulated one each.
        authorized: whether the user may load-test it.
        ca: PEM file of a private certificate authority.
        policy: the simulated edges' policy file.
        secret_file: file with the OAuth client's secret.
        workers: over how many worker processes each run is spread; 0 for one process alone.
    """

    runs: Path
    host: str | None = None
    authorized: bool = False
    ca: Path | None = None
    policy: Path | None = None
    secret_file: Path | None = None
    workers: int = 0

    def for_locust(self, plan: Plan) -> list[str]:
        """As Locust's command line has them."""
        options = ["--softphone-profile", str(plan.path), "--softphone-runs", str(self.runs)]
        named = {
            "--host": self.host,
            "--softphone-ca": self.ca,
            "--softphone-policy": self.policy,
            "--softphone-client-secret-file": self.secret_file,
        }
        options += [text for name, value in named.items() if value is not None for text in (name, str(value))]
        options += ["--softphone-authorized"] if self.authorized else []
        return options + (_over(self.workers) if self.workers else [])


def _over(workers: int) -> list[str]:
    """Locust's options for a master with so many workers, on a port where no other fleet is."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    bound = ["--master-bind-host", "127.0.0.1", "--master-bind-port", port, "--master-port", port]
    return ["--processes", str(workers), *bound]


@dataclass(frozen=True)
class Result:
    """What became of a plan.

    Args:
        plan: which.
        exit_code: as the commands' own.
        record: the folder of its run record, or None.
        missing: why it is not in the comparison, or None if it is.
        words: what its process said about that.
    """

    plan: Plan
    exit_code: int
    record: Path | None = None
    missing: str | None = None
    words: tuple[str, ...] = ()


def plans(names: Iterable[str], folders: Sequence[Path], *, repeat: int = 1) -> list[Plan]:
    """The runs to be made; repeated ones interleaved (A B A B), so that what drifts in time touches all alike.

    Raises:
        InputError: with every problem of every profile.
    """
    found: list[Plan] = []
    problems: list[str] = []
    by_name = {profile.name: profile.path for profile in list_profiles(folders)}
    for name in names:
        try:
            profile = load_profile(name, folders)
            found.append(Plan(profile.name, by_name.get(name, Path(name)).resolve(), profile.duration_s))
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(*dict.fromkeys(problems))
    return found * repeat


def new_folder(runs: Path) -> Path:
    """A folder for one comparison, among the run records.

    Raises:
        InputError: it cannot be made.
    """
    folder = runs / f"{datetime.now(UTC).strftime('%Y%m%dT%H%M%S.%fZ')}-comparison"
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise InputError(f"--runs {runs}: cannot be written to ({error.strerror})") from None
    return folder


def pause_for(wanted_s: float | None, host: str | None) -> float:
    """How long to wait between two runs: what is wanted, or else nothing where each has a fresh edge of its own."""
    if wanted_s is not None:
        return wanted_s
    return 0.0 if host is None else PAUSE_S


def run_all(
    to_run: Sequence[Plan],
    arguments: Arguments,
    folder: Path,
    watch: ProgressReporter,
    stop: Interruptions,
    pause_s: float = 0.0,
) -> Iterator[Result]:
    """Run one after the other; not beyond an interruption, nor beyond a run that finds its input bad: so would all.

    Args:
        to_run: the runs.
        arguments: what they have in common.
        folder: where their logs go.
        watch: is told how far it is.
        stop: counts the interruptions.
        pause_s: how long to wait between two of them.

    Raises:
        InputError: the first run finds its input bad, so that there is nothing to report.
    """
    refused = False
    for number, plan in enumerate(to_run, 1):
        if stop.count or refused:
            yield Result(plan, BAD_INPUT if refused else NOT_VALID, missing="not run")
            continue
        watch.begin()
        if number > 1 and not _paused(pause_s, watch, stop):
            yield Result(plan, NOT_VALID, missing="not run")
            continue
        result = _run(plan, folder / f"{number}-{plan.name}", arguments, watch, stop)
        refused = result.exit_code == BAD_INPUT and result.record is None
        if refused and number == 1:
            rmtree(folder)  # nothing is in it but the words that are said now
            raise InputError(*result.words)
        watch.end(result.missing or "done")
        for line in result.words:
            watch.say(f"  {line}")
        yield result


def _paused(pause_s: float, watch: ProgressReporter, stop: Interruptions) -> bool:
    """Wait, unless it is interrupted; returns whether it was not."""
    until_s = time.monotonic() + pause_s
    while not stop.count and (left_s := until_s - time.monotonic()) > 0:
        watch.tick()
        time.sleep(min(left_s, _TICK_S))
    return not stop.count


def _run(plan: Plan, stem: Path, arguments: Arguments, watch: ProgressReporter, stop: Interruptions) -> Result:
    log = stem.with_name(f"{stem.name}.log")
    exit_code = run(
        locust_command(arguments.for_locust(plan)),
        folder=stem.parent,
        log=log,
        stop=stop,
        tick=watch.tick,
        stopping=lambda: watch.say("stopping: everybody hangs up; Ctrl-C again kills the run"),
    )
    if exit_code not in _GRAVITY:
        exit_code = NOT_VALID
    record = record_of(log)
    if record is None:
        words = () if stop.count else tuple(complaints(log))
        return Result(plan, exit_code or NOT_VALID, None, f"no record, see {log}", words)
    if stop.count and exit_code == NOT_VALID:
        return Result(plan, exit_code, record, f"cut short, see {record}")
    stem.symlink_to(Path("..", record.name))
    return Result(plan, exit_code, record)


def worst(exit_codes: Iterable[int]) -> int:
    """The gravest of some exit codes: what could not be run, before what cannot be trusted, before what failed."""
    return max(exit_codes, key=_GRAVITY.index, default=0)
