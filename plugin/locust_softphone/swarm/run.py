"""One run, from its edge to its record. It does not know whether this process makes the load or workers do.

    prepare   reach the edge or start one; get the generator ready     nothing is measured yet; may fail
    begin     fix the plan's start
    collect   hang up; add the rest of the measurements
    judge     balance against the edge's counters; build the record
    save      write the record
    close     stop the simulated edge

``coordinator.py`` calls these at Locust's events.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import gevent

from locust_softphone.metrics.run_so_far import RunSoFar
from locust_softphone.metrics.tally import Tally
from locust_softphone.runs.build import Aborted, RunEnd, RunStart, build
from locust_softphone.runs.early_stop import HopelessStep, without_tls
from locust_softphone.runs.record import RunRecord
from locust_softphone.runs.versions import installed_versions
from locust_softphone.signaling.account import Account
from locust_softphone.signaling.target import Target
from locust_softphone.signaling.tls import engine
from locust_softphone.swarm.abort import abort_on_failed_expectation, stop_when_hopeless
from locust_softphone.swarm.edge_under_test import EdgeUnderTest, Settlement
from locust_softphone.swarm.generator_protocol import Generator
from locust_softphone.swarm.options import RunOptions
from locust_softphone.swarm.problems import problems_of, stopped_because
from locust_softphone.swarm.results import RunResults

__all__ = ["Run", "users_for"]

logger = logging.getLogger(__name__)

_BEGIN_IN_S = 0.25
_BEGIN_IN_EACH_S = 0.0005


class Run:
    """One run.

    Args:
        options: what to do.
        edge: the edge, reached.
        generator: ready to begin.
        calls_each: how many calls each softphone makes; None if that is not known.
    """

    def __init__(self, options: RunOptions, edge: EdgeUnderTest, generator: Generator, calls_each: int | None) -> None:
        self.options = options
        self.generator = generator
        self.users = users_for(options.profile.users, max(generator.workers, 1))
        self.began_at: float | None = None
        self.stopping = False
        self.failed = False
        """Whether something raised that nobody expected; the run is then over."""
        self.result: RunRecord | None = None
        self._edge = edge
        self._calls_each = calls_each
        self._stopped_early = False
        self._aborted: Aborted | None = None
        self._hopeless: HopelessStep | None = None
        self._ended_s: float | None = None
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        self._results = RunResults(options.startup.runs / f"{stamp}-{options.profile.name}", self.update, self.clock)

    @classmethod
    def prepare(
        cls, options: RunOptions, make_generator: Callable[[Account], Generator], calls_each: int | None
    ) -> Run:
        """Reach the edge, or start a simulated one, and get the generator ready.

        Raises:
            InputError: the edge cannot be reached or started, or the generator cannot begin.
        """
        edge = EdgeUnderTest.open(options)
        try:
            generator = make_generator(edge.account)
            generator.prepare()
        except BaseException:
            edge.close()
            raise
        return cls(options, edge, generator, calls_each)

    def begin(self) -> None:
        """Fix the plan's start: soon, and at the same instant for all softphones."""
        self.generator.begin(_BEGIN_IN_S + _BEGIN_IN_EACH_S * self.options.profile.users)
        self.began_at = time.time() - self.generator.clock()
        self._spawn(self._results.keep_journal, self._start(self.began_at))
        self._spawn(abort_on_failed_expectation, self.options.profile, self.so_far, lambda: self.active, self._abort)
        if not self.options.startup.keep_going:
            dialect, needs_tls = self.options.profile.dialect, self.target.needs_tls
            self._spawn(stop_when_hopeless, dialect, self._counts, lambda: self.active, self._stop_hopeless, needs_tls)

    def collect(self) -> None:
        """Hang up all softphones, and add the rest of the measurements."""
        self._stopped_early, self.stopping = not self.over, True
        self.generator.stop()
        self.update()
        self._ended_s = self.clock()

    def judge(self) -> RunRecord:
        """Balance the measurements against the edge's counters, and build the run record."""
        profile, tally = self.options.profile, self.tally
        began_at = time.time() if self.began_at is None else self.began_at
        settled = self._settle()
        hopeless = self._hopeless or self._without_tls()
        end = RunEnd(
            after_s=self.clock(),
            ended="aborted" if self._aborted else "stopped" if self._ended_early else "plan over",
            edge=settled.counters,
            ledger=settled.ledger,
            invalid=[
                *self.generator.problems(),
                *problems_of(
                    profile, tally, hopeless=hopeless, stopped=self._stopped_early, ended_early=self._ended_early
                ),
                *settled.problems,
                *(["an unexpected error ended the run; see Locust's log"] if self.failed else []),
            ],
            fleet=self.generator.summary(),
            aborted=self._aborted,
        )
        # The diagnosis can take seconds, and without heartbeats Locust's master takes its workers for lost.
        measured = Tally()
        measured.merge(tally)  # a copy, since this process may add what comes late
        self.result = gevent.get_hub().threadpool.apply(build, (self._start(began_at), measured, end))
        return self.result

    def save(self) -> Path:
        """Write the record that ``judge`` built; raises as ``RunResults.save``."""
        assert self.result is not None
        return self._results.save(self.result)

    def close(self) -> None:
        """Stop the simulated edge, and keep the journal if there is no record."""
        self._results.close()
        self._edge.close()

    # While it goes on.

    def update(self) -> None:
        """Add what has been measured since the last call."""
        self._results.add(self.generator.take())

    def clock(self) -> float:
        """Seconds since the plan's start; 0 until it is fixed, and constant once the run has ended."""
        if self._ended_s is not None:
            return self._ended_s
        return self.generator.clock() if self.began_at is not None else 0.0

    @property
    def tally(self) -> Tally:
        """All measurements so far."""
        return self._results.tally

    @property
    def folder(self) -> Path:
        """Where the record and the journal are written."""
        return self._results.folder

    @property
    def target(self) -> Target:
        """The edge."""
        return self._edge.target

    @property
    def over(self) -> bool:
        """Whether the plan is over, or the run was ended early."""
        return self.began_at is not None and (self._ended_early or self.generator.over)

    @property
    def active(self) -> bool:
        """Whether the run goes on: it is neither over nor being stopped."""
        return not (self.over or self.stopping)

    def announcement(self) -> str:
        """The target, and how much load it will get."""
        profile, target = self.options.profile, self.target
        addresses = ", ".join(sorted({str(address[0]) for _, address in target.addresses}))
        to = target.url if target.host == addresses else f"{target.url} ({addresses})"
        return f"{profile.name} to {to}: {profile.describe_starts()}; {profile.describe_attempts()}"

    def so_far(self) -> RunSoFar:
        """What has been measured so far, for the catalogue of metrics."""
        until_s, profile = self.generator.known_until_s, self.options.profile
        self.update()
        return RunSoFar([self.tally], profile.dialect, profile.users, self._calls_each, until_s)

    def _abort(self, aborted: Aborted) -> None:
        """Hang up at once; the shape sees within a second that the run is over."""
        self._aborted = aborted
        logger.warning("%s can no longer hold: all softphones hang up", aborted.by)
        self.generator.stop()

    def _counts(self) -> Mapping[str, int]:
        self.update()
        return self.tally.counts

    def _stop_hopeless(self, step: HopelessStep) -> None:
        """Hang up at once, as ``_abort`` does."""
        self._hopeless = step
        logger.error("%s: all softphones hang up", stopped_because(step))
        self.generator.stop()

    def _without_tls(self) -> HopelessStep | None:
        """The step that needs TLS, in a run that was too small to be stopped early because of it."""
        if self._ended_early or self.options.startup.keep_going:
            return None
        return without_tls(self.tally.counts, self.options.profile.dialect, self.target.needs_tls)

    def _start(self, began_at: float) -> RunStart:
        """What is known of the run before anything is measured."""
        profile, sources = self.options.profile, self.options.startup.sources
        return RunStart(
            run_id=self.folder.name,
            profile=profile.resolved(),
            planned=profile.schedule().starts_per_second(profile.duration_s),
            leaving=profile.schedule().leaves_per_second(profile.duration_s),
            calls_each=profile.softphone.calls.count,
            target=self._edge.describe(),
            versions=installed_versions() | ({"tls": engine()} if self.target.tls else {}),
            workers=self.generator.workers,
            began_at=began_at,
            overridden=self.options.overridden,
            source_addresses=len(sources.addresses) if sources else 0,
        )

    @property
    def _ended_early(self) -> bool:
        return self._stopped_early or self._aborted is not None or self._hopeless is not None or self.failed

    def _settle(self) -> Settlement:
        """What the edge counted. An error in reading that does not cost the softphones' measurements."""
        try:
            return self._edge.settle(self.tally, self.options.profile.dialect)
        except Exception:
            logger.exception("the edge's counters cannot be compared")
            return Settlement(problems=("the edge's counters could not be compared; see Locust's log",))

    def _spawn(self, function: Callable[..., None], *arguments: object) -> None:
        """Run a function beside the softphones; the run ends if it fails, and gevent prints why."""
        gevent.spawn(function, *arguments).link_exception(self._fail)

    def _fail(self, _: object) -> None:
        self.failed = True


def users_for(softphones: int, workers: int) -> int:
    """The number of Locust users: one per softphone, rounded up so that all workers get equally many."""
    return -(-softphones // workers) * workers
