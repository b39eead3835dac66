"""Runs one run after another, at Locust's events; on a master, or on a process without workers.

users_wanted   Locust's shape asks: read the options; later, say when the run is over
start          test_start: prepare the run
begin          spawning_complete: all users exist, the plan's start is fixed
collect        test_stopping: all hang up
finish         test_stop: judge the run and save its record
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import gevent
from gevent.lock import RLock
from locust.env import Environment
from locust.runners import MasterRunner

from locust_softphone.config.overrides import Overrides
from locust_softphone.errors import ExitCode, InputError
from locust_softphone.report.standard_output import print_lines
from locust_softphone.report.terminal import printed_summary
from locust_softphone.runs.record import RunRecord
from locust_softphone.runs.storage import check_writable
from locust_softphone.signaling.account import Account
from locust_softphone.swarm import workarounds
from locust_softphone.swarm.abort import calls_each
from locust_softphone.swarm.cluster.master import Master
from locust_softphone.swarm.edge_under_test import reach
from locust_softphone.swarm.generator_protocol import Generator
from locust_softphone.swarm.load.generator import LoadGenerator
from locust_softphone.swarm.options import RunOptions, StartupOptions
from locust_softphone.swarm.plan_end import is_over
from locust_softphone.swarm.run import Run, users_for

__all__ = ["Phase", "RunCoordinator"]

logger = logging.getLogger(__name__)

Phase = Literal["idle", "preparing", "running", "stopping"]

_IDLE_STATES = ("ready", "stopped")  # Locust's, of its runner
_STOPPING_STATES = ("cleanup", "stopping", "stopped")


class RunCoordinator:
    """The runs of this process, or of this master and its workers.

    Args:
        environment: Locust's.

    Raises:
        InputError: the client's secret cannot be read.
    """

    def __init__(self, environment: Environment) -> None:
        assert environment.parsed_options is not None
        self.exit_code: int | None = None
        self.problems: tuple[str, ...] = ()
        self.overrides = Overrides()
        """What the next runs change in their profile; the web UI sets it."""
        self.last: Run | None = None
        self._environment = environment
        self._startup = StartupOptions.take(environment.parsed_options)
        self._master = Master(environment.runner) if isinstance(environment.runner, MasterRunner) else None
        self._run: Run | None = None
        self._refused = False
        self._options: RunOptions | None = None
        self._ending = RLock()

    def register(self) -> None:
        """On a master, handle the workers' messages from now on."""
        if self._master is not None:
            self._master.register()

    # Before a run.

    def check(self, *, profile: str | None = None, host: str | None = None, overrides: Overrides | None = None) -> None:
        """Check the options and reach the edge.

        Args:
            profile: the profile to run, if not the one that the options name.
            host: the edge, if not the one that the options name; empty for a simulated one.
            overrides: what to change in the profile.

        Raises:
            InputError: with every problem, a line each.
        """
        options = self.read_options(profile, host, overrides)
        self._check_reach(options)
        if options.hosts:
            options.hosts.each(reach)
        check_writable(self.runs_folder)

    def read_options(
        self, profile: str | None = None, host: str | None = None, overrides: Overrides | None = None
    ) -> RunOptions:
        """The options of a run, checked without a connection to the edge; arguments and errors as ``check``."""
        parsed = self._environment.parsed_options
        assert parsed is not None
        self._environment._filter_tasks_by_tags()  # Locust does so when a run has begun
        for user in self._environment.user_classes:
            if hasattr(user, "script_is_profiles") and not user.tasks:
                raise InputError(f"--tags, --exclude-tags: {user.__name__} has no task left; run it without them")
        chosen = parsed.softphone_profile if profile is None else profile
        to = self._environment.host if host is None else host
        return RunOptions.read(chosen, to, self._startup, overrides or self.overrides)

    def users_wanted(self) -> int | None:
        """How many Locust users there must be now: a multiple of the workers, or None when the run is over."""
        if self._refused:
            self._refused = False
            return None
        if self._run is not None:
            return None if is_over(self._run, self._run_time_s) else self._run.users
        self.problems = ()
        try:
            self._options = self.read_options()
        except InputError as error:
            self._refuse(error)
            return None
        return users_for(self._options.profile.users, max(self.workers or 0, 1))

    def call_off(self) -> None:
        """Do not begin a run that is being prepared: Locust 2.47.0 does not stop what is not running yet."""
        if self.phase == "preparing":
            self._refused = True

    @contextmanager
    def failing(self) -> Iterator[None]:
        """End the run if this raises something that nobody expected: not valid, with what there is to record."""
        try:
            yield
        except Exception:
            logger.exception("an unexpected error in locust-softphone: the run ends, and is not valid")
            self.exit_code = max(self.exit_code or 0, ExitCode.INVALID)
            if self._run is not None:
                self._run.failed = True

    # The run, at Locust's events.

    def start(self) -> None:
        """``test_start``: prepare the run."""
        options, self._options = self._options, None
        try:
            if options is None:
                raise InputError("no ProfileShape: the locustfile has none, or the class picker has not chosen it")
            check_writable(self.runs_folder)
            self._check_reach(options)
            calls = calls_each(options.profile, self._environment.user_classes)
            self._run = self.last = run = Run.prepare(options, lambda to: self._generator(options, to), calls)
            logger.log(logging.WARNING if run.target.authorized else logging.INFO, "%s", run.announcement())
        except InputError as error:
            self._refused = True
            self._refuse(error)
        except Exception:
            self._refused = True
            raise

    def begin(self) -> None:
        """``spawning_complete``: all users exist and wait for the plan's start."""
        run = self._run
        if run is not None and run.began_at is None and not self._refused:
            self._refused = True  # unless it begins
            run.begin()
            self._refused = False
            gevent.spawn(workarounds.drop_old_seconds_repeatedly, self._environment, lambda: not run.active)

    def collect(self) -> None:
        """``test_stopping``: all hang up, and the rest of the measurements comes in.

        Locust 2.47.0 stops a run twice if its last worker quits while it is being stopped: the second waits here.
        """
        run = self._run
        with self._ending:
            if run is None or run.stopping:
                return
            run.collect()
            workarounds.await_last_csv_rows(getattr(self._environment.parsed_options, "csv_prefix", None))

    def finish(self) -> None:
        """``test_stop``: judge the run, save its record and print a summary; once, like ``collect``."""
        with self._ending:
            run, self._refused = self._run, False
            if run is not None:
                self._finish(run)

    def _finish(self, run: Run) -> None:
        try:
            record = run.judge()
            self.exit_code = max(self.exit_code or 0, record.exit_code)
            path = run.save()
            self._print(*printed_summary(record), f"run record: {path}")
        except InputError as error:
            self._report(error)
        finally:
            self._run = None
            run.close()
            if self._master is not None:
                self._master.run_ended()

    # What others ask.

    @property
    def phase(self) -> Phase:
        """What the coordinator is doing."""
        runner = self._environment.runner
        if self._run is not None and self._run.began_at is not None:
            return "stopping" if self._run.stopping else "running"
        if runner is None or (runner.state in _IDLE_STATES and runner.shape_greenlet is None):
            return "idle"
        return "stopping" if runner.state in _STOPPING_STATES else "preparing"

    @property
    def is_ending(self) -> bool:
        """Whether a run is being stopped, or has ended and nothing runs."""
        return self._run.stopping if self._run is not None else self.last is not None

    @property
    def workers(self) -> int | None:
        """How many workers there are to make the load, or None if this process makes it."""
        return None if self._master is None else len(self._master.worker_ids)

    @property
    def generator(self) -> LoadGenerator | None:
        """The generator of the current run, if this process makes the load."""
        generator = self._run.generator if self._run else None
        return generator if isinstance(generator, LoadGenerator) else None

    @property
    def shown(self) -> Run | None:
        """The current run, or else the last one."""
        return self._run or (None if self.phase == "preparing" else self.last)

    @property
    def last_result(self) -> RunRecord | None:
        """The record of the last run, once it is judged."""
        return self.last.result if self.last else None

    @property
    def allowed_hosts(self) -> tuple[str, ...]:
        """Names besides this machine's own under which browsers may open the web UI."""
        return self._startup.allowed_hosts

    @property
    def web_password(self) -> str:
        """What the pages of the web UI ask for; empty if they ask for nothing."""
        return self._startup.web_password

    @property
    def runs_folder(self) -> Path:
        """Where the run records are."""
        return self._startup.runs

    def _generator(self, options: RunOptions, account: Account) -> Generator:
        if self._master is not None:
            return self._master.generator(options.profile, account)
        return LoadGenerator(self._environment, options.profile, account, slots=range(options.profile.users))

    def _check_reach(self, options: RunOptions) -> None:
        if self._master is not None:
            self._master.check_reach(on_loopback=options.hosts is None)

    @property
    def _run_time_s(self) -> float:
        """``--run-time``."""
        return getattr(self._environment.parsed_options, "run_time", None) or float("inf")

    def _print(self, *lines: str) -> None:
        try:
            print_lines(*lines)
        except OSError as error:
            logger.error("the run's summary cannot be written to stdout (%s)", error.strerror)
            self.exit_code = ExitCode.most_serious([self.exit_code or 0, ExitCode.OUTPUT])

    def _refuse(self, error: InputError) -> None:
        """Report why a run cannot start; without a web UI, the process has nothing else to do."""
        self._report(error)
        if getattr(self._environment.parsed_options, "headless", False):
            workarounds.exit_at_once(ExitCode.BAD_INPUT)

    def _report(self, error: InputError) -> None:
        self.exit_code = ExitCode.BAD_INPUT
        self.problems = error.problems
        for problem in error.problems:
            logger.error("%s", problem)
