"""Starts a run and judges it: on the master of a fleet, or on a process alone.

    prepare   read the options, reach the edge (or start a simulated one)      before the first user
    begin     all users exist: fix the plan's start                            Locust's spawning_complete
    collect   everybody hangs up, and hands in what was measured               Locust's test_stopping
    finish    read the edge's counters, balance, write the record, judge       Locust's test_stop

One run after another: what one of them is, knows ``run.py``.
"""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import gevent
from locust.env import Environment
from locust.runners import MasterRunner

from locust_softphone import __version__
from locust_softphone.errors import InputError
from locust_softphone.metrics.tally import Tally
from locust_softphone.report.summary import summary_lines
from locust_softphone.swarm import workarounds
from locust_softphone.swarm.cluster import messages
from locust_softphone.swarm.load.generator import LoadGenerator
from locust_softphone.swarm.options import RunOptions, StartupOptions
from locust_softphone.swarm.run import Run, reach, users_for

__all__ = ["Phase", "RunCoordinator"]

logger = logging.getLogger(__name__)

Phase = Literal["idle", "preparing", "running", "stopping"]

_AT_REST = ("ready", "stopped")  # Locust's words for its runner's states
_COMING_TO_REST = ("cleanup", "stopping", "stopped")
_BAD_INPUT = 2
_HERE_S = 10.0
_TICK_S = 1.0  # a shape's tick
_LOOK_S = 0.02


class RunCoordinator:
    """One run after another on this process or this fleet.

    Args:
        environment: Locust's.

    Raises:
        InputError: the secret that was startup cannot be read.
    """

    def __init__(self, environment: Environment) -> None:
        assert environment.parsed_options is not None
        self.exit_code: int | None = None
        self.problems: tuple[str, ...] = ()
        self._environment = environment
        self._startup = StartupOptions.take(environment.parsed_options)
        self._run: Run | None = None
        self.last: Run | None = None
        self._refused = False
        self._options: RunOptions | None = None
        self._versions: dict[str, str] = {}
        if isinstance(environment.runner, MasterRunner):
            environment.runner.register_message(messages.HERE, self._on_here)
            environment.runner.register_message(messages.ECHO, self._on_echo)
            environment.runner.register_message(messages.OVER, self._on_over)
            environment.runner.register_message(messages.DONE, self._on_done)
            environment.runner.register_message(messages.HOLD, self._on_hold)
            environment.runner.register_message(messages.WANT, self._on_want, concurrent=True)
            environment.runner.register_message(messages.TALLY, self._on_tally)

    @property
    def generator(self) -> LoadGenerator | None:
        """The generator of the run that this process serves, if it serves one."""
        return self._run.generator if self._run else None

    @property
    def shown(self) -> Run | None:
        """The run that is on, or was on last."""
        return self._run or (None if self.phase == "preparing" else self.last)

    @property
    def runs_folder(self) -> Path:
        """Where the records are."""
        return self._startup.runs

    # The course of a run.

    def check(self, *, profile: str | None = None, host: str | None = None) -> None:
        """Check the options and reach the edge before anything begins.

        Args:
            profile: the one to run, if not the one that the options name.
            host: the edge, if not the one that the options name; empty for a simulated one.

        Raises:
            InputError: with every problem, a line each.
        """
        options = self._read_options(profile, host)
        if options.hosts:
            options.hosts.each(reach)
        _check_writable(options.runs)

    @property
    def phase(self) -> Phase:
        """What is being done."""
        runner = self._environment.runner
        if self._run is not None and self._run.began_at is not None:
            return "stopping" if self._run.stopping else "running"
        if runner is None or (runner.state in _AT_REST and runner.shape_greenlet is None):
            return "idle"
        return "stopping" if runner.state in _COMING_TO_REST else "preparing"

    def call_off(self) -> None:
        """Do not begin a run that is being prepared: Locust 2.47.0 itself does not stop what is not running yet."""
        if self.phase == "preparing":
            self._refused = True

    @property
    def workers(self) -> int | None:
        """How many workers there are to make the load, or None if this process makes it."""
        return len(self._worker_ids()) if isinstance(self._environment.runner, MasterRunner) else None

    def users_wanted(self) -> int | None:
        """How many Locust users there must be now: a whole number per worker, or None when the run is over."""
        if self._refused:
            self._refused = False
            return None
        if self._run is not None:
            return None if self._is_over(self._run, within_s=_TICK_S) else self._run.users
        self.problems = ()
        try:
            self._options = self._read_options()
        except InputError as error:
            self._complain(error)
            return None
        return users_for(self._options.profile.users, max(len(self._worker_ids()), 1))

    def start(self) -> None:
        """Locust's ``test_start``: reach the edge, generator out the plan."""
        options, self._options = self._options, None
        workers = self._worker_ids()
        try:
            if options is None:
                raise InputError("no ProfileShape: the locustfile has none, or the class picker has not chosen it")
            _check_writable(options.runs)
            self._check_versions(workers)
            self._run = self.last = run = Run(options, self._environment, workers)
            logger.log(logging.WARNING if run.target.authorized else logging.INFO, "%s", run.announcement())
        except InputError as error:
            self._complain(error)
            self._refused = True

    def _check_versions(self, workers: list[str]) -> None:
        """See that all workers have our version; Locust calls a worker ready a little before its plugin is."""
        deadline_s = time.perf_counter() + _HERE_S
        while not self._versions.keys() >= set(workers) and time.perf_counter() < deadline_s:
            gevent.sleep(0.05)
        if others := [each for each in workers if self._versions.get(each) != __version__]:
            raise InputError(*(_other_version(each, self._versions.get(each, "none")) for each in others))

    def begin(self) -> None:
        """Locust's ``spawning_complete``: all users exist and wait."""
        if self._run is not None and self._run.began_at is None and not self._refused:
            if isinstance(self._environment.runner, MasterRunner):
                workarounds.leave_users_where_they_are(self._environment.runner)
            run = self._run
            run.begin()
            gevent.spawn(workarounds.forget_seconds_long_past, self._environment, lambda: run.over or run.stopping)

    def collect(self) -> None:
        """Locust's ``test_stopping``: everybody hangs up, and what was measured comes in."""
        if self._run is not None:
            self._run.stop()
            workarounds.let_csv_files_catch_up(getattr(self._environment.parsed_options, "csv_prefix", None))

    def finish(self) -> None:
        """Locust's ``test_stop``: balance, record, judge, say so."""
        run, self._refused = self._run, False
        if run is None:
            return
        try:
            run.result = record = run.record()
            self.exit_code = max(self.exit_code or 0, record["exit_code"])
            path = run.save(record)
            with suppress(OSError):  # nobody reads it any more: the terminal is closed, the pipe is broken
                print(*summary_lines(record), f"run record: {path}", sep="\n", flush=True)
        except InputError as error:
            self._complain(error)
        finally:
            self._run = None
            run.close()

    # What workers say.

    def _on_here(self, msg: Any, **_: Any) -> None:
        self._versions[msg.node_id] = version = msg.data["version"]
        if version != __version__:
            logger.error("%s", _other_version(msg.node_id, version))
        elif self._run is not None and self._run.pool is not None:
            self._run.pool.welcome(msg.node_id)

    def _on_echo(self, msg: Any, **_: Any) -> None:
        if self._run is not None and self._run.pool is not None:
            self._run.pool.heard_echo(msg.node_id, msg.data)

    def _on_over(self, msg: Any, **_: Any) -> None:
        if self._run is not None and self._run.pool is not None:
            self._run.pool.over.add(msg.node_id)

    def _on_done(self, msg: Any, **_: Any) -> None:
        if self._run is not None and self._run.pool is not None:
            self._on_tally(msg)
            self._run.pool.done.add(msg.node_id)

    def _on_hold(self, msg: Any, **_: Any) -> None:
        if self._run is not None and self._run.pool is not None:
            self._run.pool.spread_hold(msg.node_id, msg.data)

    def _on_want(self, environment: Environment, msg: Any) -> None:  # Locust 2.46 names none of them
        runner = self._environment.runner
        if self._run is not None and self._run.desk is not None and runner is not None:
            runner.send_message(messages.TOKEN, self._run.desk.serve(msg.data["rejected"]), msg.node_id)

    def _on_tally(self, msg: Any, **_: Any) -> None:
        if self._run is not None and msg.data:
            self._run.heard(msg.node_id, Tally.from_plain(msg.data["tally"]), msg.data["until_s"])

    # Small questions.

    def _is_over(self, run: Run, within_s: float) -> bool:
        """Whether a run is over, its plan or ``--run-time``, which Locust 2.47 ignores where there is a shape.

        If it may be over ``within_s`` seconds, wait and see: Locust would ask again only a second later. One that is
        being stopped is not: Locust would stop it a second time, and end the first in the middle of writing the record.
        """
        run_time_s = getattr(self._environment.parsed_options, "run_time", None) or float("inf")
        ends_s = min(run.options.profile.duration_s, run_time_s)
        asked_s = run.clock()
        while run.began_at is not None and not run.stopping:
            if run.over or run.clock() > run_time_s:
                return True
            if asked_s + within_s < max(ends_s, run.clock()):
                break
            gevent.sleep(_LOOK_S)
        return False

    def _read_options(self, profile: str | None = None, host: str | None = None) -> RunOptions:
        parsed = self._environment.parsed_options
        assert parsed is not None
        wanted = parsed.softphone_profile if profile is None else profile
        return RunOptions.read(wanted, self._environment.host if host is None else host, self._startup)

    def _worker_ids(self) -> list[str]:
        runner = self._environment.runner
        if not isinstance(runner, MasterRunner):
            return []
        return [client.id for client in (*runner.clients.ready, *runner.clients.running, *runner.clients.spawning)]

    def _complain(self, error: InputError) -> None:
        self.exit_code = _BAD_INPUT
        self.problems = error.problems
        for problem in error.problems:
            logger.error("%s", problem)


def _other_version(worker: str, version: str) -> str:
    return f"worker {worker} has locust-softphone {version}, the master {__version__}: install the same on both"


def _check_writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise InputError(f"--softphone-runs {folder}: cannot be written to ({error.strerror})") from None
