"""One run: the edge that it needs, who serves the plan, what comes in, and the record that is made of it."""

from __future__ import annotations

import json
import logging
import platform
import random
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import gevent
from locust.env import Environment
from locust.runners import MasterRunner

from locust_softphone import __version__
from locust_softphone.errors import AttemptFailed, InputError
from locust_softphone.metrics.bounds import Bounds
from locust_softphone.metrics.tally import Tally
from locust_softphone.runs import ledger
from locust_softphone.runs.edge_process import EdgeProcess
from locust_softphone.runs.journal import RunStart
from locust_softphone.runs.record import Aborted, build, iso
from locust_softphone.runs.saturation import on_time_per_s, saturation
from locust_softphone.signaling.dialects import dialect_for
from locust_softphone.signaling.hosts import Hosts
from locust_softphone.signaling.http import HttpConnection
from locust_softphone.signaling.target import Target
from locust_softphone.signaling.tls import engine_of
from locust_softphone.swarm.abort import abort_on_failed_expectation, calls_each
from locust_softphone.swarm.cluster import messages
from locust_softphone.swarm.cluster.shared_token import MasterTokenProvider
from locust_softphone.swarm.cluster.workers import WorkerPool
from locust_softphone.swarm.load.generator import LoadGenerator
from locust_softphone.swarm.load.recorder import Recorder
from locust_softphone.swarm.load.sockets import reached
from locust_softphone.swarm.load.telemetry import telemetry_of
from locust_softphone.swarm.options import RunOptions
from locust_softphone.swarm.results import RunResults

__all__ = ["Run", "reach", "users_for"]

logger = logging.getLogger(__name__)

_STATS_S = 5.0
_BEGIN_IN_S = 0.25
_BEGIN_IN_EACH_S = 0.0005
_COLLECT_S = 15.0
_EDGE = "locust-softphone-edge"


class Run:
    """One run. Either this process serves the whole plan (``generator``), or workers do (``pool``).

    Args:
        options: what to do.
        environment: Locust's.
        worker_ids: the workers that are there; none for a process alone.

    Raises:
        InputError: the edge cannot be reached or started, or this process lacks descriptors or ports.
    """

    def __init__(self, options: RunOptions, environment: Environment, worker_ids: list[str]) -> None:
        self.options = options
        self.users = users_for(options.profile.users, max(len(worker_ids), 1))
        self.began_at: float | None = None
        self.generator: LoadGenerator | None = None
        self.pool: WorkerPool | None = None
        self.desk: MasterTokenProvider | None = None
        self._recorder = Recorder(environment.events.request, telemetry_of(environment))
        self._runner = environment.runner
        self._epoch_s = 0.0
        self.stopping = self._stopped_early = False
        self.result: dict[str, Any] | None = None
        self._ended_s: float | None = None
        self._aborted: Aborted | None = None
        self._known_until_s: dict[str, float] = {}
        self._calls_each = calls_each(options.profile, environment.user_classes)
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        self.folder = options.runs / f"{stamp}-{options.profile.name}"
        self._results = RunResults(self.folder, self.take_in, self.clock)
        self._edge = None if options.hosts else EdgeProcess.for_profile(options.profile, options.policy)
        try:
            hosts = options.hosts or Hosts.one(Target.parse(self._edge.url if self._edge else ""))
            self.account = options.account(hosts).reached(reach)
            self.target = self.account.hosts.api
            self._edge_before = _edge_stats(self.target) if hosts.is_one else None
            self._policy = self._edge_before.pop("policy", {}) if self._edge_before else None
            if self._policy is not None:
                self._policy.pop("organisations", None)  # whose run it is does not belong into its record
            if isinstance(environment.runner, MasterRunner):
                self._hire(environment.runner, worker_ids)
            else:
                slots = range(options.profile.users)
                self.generator = LoadGenerator(environment, options.profile, self.account, slots=slots)
                if found := self.generator.shortages():
                    raise InputError(*found)
        except BaseException:
            self.close()
            raise

    def _hire(self, runner: MasterRunner, worker_ids: list[str]) -> None:
        profile, account = self.options.profile, self.account
        resolved = profile.resolved()

        def plan_for(slots: list[int]) -> messages.Plan:
            return messages.Plan(
                profile=resolved,
                urls=account.hosts.urls,
                authorized=self.target.authorized,
                slots=slots,
                workers=len(worker_ids),
                client_id=account.credentials.client_id,
                client_secret=account.credentials.client_secret,
                users=[user.to_plain() for user in account.users],
                call_to=account.call_to,
            )

        dialect = dialect_for(
            profile.dialect,
            account,
            timeout_s=profile.softphone.timeout_s,
            user_agent=f"locust-softphone/{__version__}",
            random=random.Random(),
        )
        self.desk = MasterTokenProvider(dialect, self._recorder, self.clock, beyond_plan=profile.attempts_beyond_plan())
        self.pool = WorkerPool(runner, profile.schedule(), worker_ids, plan_for, self.clock)
        self.pool.share_out()

    def announcement(self) -> str:
        """What will hit whom, and how hard."""
        profile, target = self.options.profile, self.target
        addresses = ", ".join(sorted({str(address[0]) for _, address in target.addresses}))
        to = target.url if target.host == addresses else f"{target.url} ({addresses})"
        return f"{profile.name} to {to}: {profile.describe_starts()}; {profile.describe_attempts()}"

    def begin(self) -> None:
        """Fix the plan's start: soon, for everybody at the same instant."""
        if self.pool is not None:
            self.pool.measure_delays()
        in_s = _BEGIN_IN_S + _BEGIN_IN_EACH_S * self.options.profile.users
        self.began_at = time.time() + in_s
        self._epoch_s = time.perf_counter() + in_s
        if self.generator is not None:
            self.generator.begin(in_s)
        elif self.pool is not None:
            self.pool.begin(in_s)
            gevent.spawn(self.pool.look_after, lambda: self.over or self.stopping)
        gevent.spawn(self._results.keep_journal, self._start(self.began_at))
        gevent.spawn(
            abort_on_failed_expectation,
            self.options.profile,
            self.outlook,
            lambda: self.over or self.stopping,
            self._abort,
        )

    def heard(self, worker: str, tally: Tally, until_s: float) -> None:
        """A worker has told what it measured up to an instant."""
        self._results.add(tally)
        self._known_until_s[worker] = until_s

    def outlook(self) -> Bounds:
        """The run as far as it is known here: of a fleet, up to what the worker told that was heard the longest ago."""
        tallies, until_s = [self.tally, self._recorder.tally], self.clock()
        if self.generator is not None:
            tallies.append(self.generator.recorder.tally)
        elif self.pool is not None:
            until_s = min((self._known_until_s.get(worker, 0.0) for worker in self.pool.present), default=0.0)
        profile = self.options.profile
        return Bounds(tallies, profile.dialect, profile.users, self._calls_each, until_s)

    def _abort(self, aborted: Aborted) -> None:
        """Everybody hangs up at once; the shape sees within a second that the run is over."""
        self._aborted = aborted
        logger.warning("%s can no longer hold: everybody hangs up", aborted.by)
        if self.generator is not None and self._runner is not None:
            self.generator.stop(self._runner.user_greenlets)
        elif self._runner is not None:
            self._runner.send_message(messages.STOP, {})

    def clock(self) -> float:
        """Seconds since the plan's start, which is 0 until it is fixed; it stands still once the run has ended."""
        if self._ended_s is not None:
            return self._ended_s
        return time.perf_counter() - self._epoch_s if self.began_at is not None else 0.0

    @property
    def tally(self) -> Tally:
        """All that has come in so far."""
        return self._results.tally

    @property
    def over(self) -> bool:
        """Whether everybody is done, or the plan's end is so long past that nobody is waited for."""
        if self.began_at is None:
            return False
        if self._aborted is not None:
            return True
        if self.generator is not None:
            return self.generator.over
        late = self.clock() > self.options.profile.duration_s + _COLLECT_S
        return late or (self.pool is not None and self.pool.all_over())

    def stop(self) -> None:
        """Everybody hangs up, and what was measured comes in."""
        self._stopped_early, self.stopping = not self.over, True
        if self.generator is not None and self._runner is not None:
            self.generator.stop(self._runner.user_greenlets)
        elif self.pool is not None and self._runner is not None:
            self._runner.send_message(messages.STOP, {})
            deadline_s = time.perf_counter() + _COLLECT_S
            while set(self.pool.present) - self.pool.done and time.perf_counter() < deadline_s:
                gevent.sleep(0.05)
        self.take_in()
        self._ended_s = self.clock()

    def take_in(self) -> None:
        """Add to the tally what this process has measured since the last time; workers send theirs by themselves."""
        self._results.add(self._recorder.take())
        if self.generator is not None:
            self._results.add(self.generator.take())

    def save(self, record: dict[str, Any]) -> Path:
        """Write the record; raises as ``RunResults.save``."""
        return self._results.save(record)

    def record(self) -> dict[str, Any]:
        """The run record: the edge's counters read, the ledger balanced, the run judged."""
        profile, began_at = self.options.profile, time.time() if self.began_at is None else self.began_at
        before, after = self._edge_before, None if self._edge_before is None else _edge_stats(self.target)
        restarted = before is not None and after is not None and before.get("instance") != after.get("instance")
        edge = ledger.since(before, after) if before is not None and after is not None and not restarted else None
        balanced = ledger.balance(self.tally.counts, edge["steps"], profile.dialect) if edge else None
        first_s = self.tally.first_s.get("started")
        return build(
            self._start(began_at).facts(
                fleet=self.pool.summary() if self.pool else None,
                times={
                    "planned_start": iso(began_at),
                    "actual_start": None if first_s is None else iso(began_at + first_s),
                    "end": iso(began_at + self.clock()),  # whatever the wall clock has done meanwhile
                    "ended": "aborted" if self._aborted else "stopped" if self._stopped_early else "plan over",
                },
                edge=edge,
                ledger=balanced,
                invalid=self._reasons(balanced, restarted=restarted),
                on_time_per_s=on_time_per_s(self.tally),
                expectations=profile.expect,
                aborted=self._aborted,
            ),
            self.tally,
        )

    def _start(self, began_at: float) -> RunStart:
        """What is known of the run before anything has been measured."""
        profile = self.options.profile
        return RunStart(
            run_id=self.folder.name,
            profile=profile.resolved(),
            planned=_planned_per_second(profile.schedule().started_by, profile.duration_s),
            calls_each=profile.softphone.calls.count,
            target={
                "url": self.target.url,
                "simulated": self._edge_before is not None,
                "policy": self._policy,
            },
            versions=_versions(self.target),
            workers=len(self.pool.workers) if self.pool else 0,
            began_at=began_at,
        )

    def _reasons(self, balanced: Mapping[str, Any] | None, *, restarted: bool) -> list[str]:
        """Why this run cannot be trusted, if it cannot."""
        reasons = []
        started, planned = self.tally.counts["started"], self.options.profile.users
        if self.pool and (lost := len(self.pool.lost)):
            reasons.append(
                f"{lost} of {len(self.pool.workers)} workers lost, with what they had not reported; "
                f"{self.pool.taken_over} of their starts were taken over"
            )
        if self.pool and (silent := set(self.pool.missing()) - set(self.pool.lost)):
            reasons.append(f"{len(silent)} of {len(self.pool.workers)} workers did not report at the end")
        if self._stopped_early:
            reasons.append("the run was stopped before its plan was over")
        elif started < planned and self._aborted is None:
            reasons.append(f"only {started} of {planned} planned softphones started")
        if crashed := self.tally.counts["crashed"]:
            reasons.append(f"the script of {crashed} softphones ended with an exception; see Locust's log")
        if saturated := saturation(self.tally):
            reasons.append(saturated)
        if restarted:
            reasons.append("the edge was restarted during the run, and its counters with it")
        elif balanced is None and self._edge_before is not None:
            reasons.append("the edge did not tell its counters at the end")
        if balanced and not balanced["balanced"]:
            reasons += [f"the ledger does not balance: {problem}" for problem in balanced["problems"]]
        return reasons

    def close(self) -> None:
        """Stop the simulated edge, if it is ours, and leave the journal if there is no record."""
        self._results.close()
        if self._edge is not None:
            self._edge.stop()
            self._edge = None


def users_for(softphones: int, workers: int) -> int:
    """So many softphones, rounded up to a whole number per worker: Locust gives each worker the same."""
    return -(-softphones // workers) * workers


def reach(target: Target) -> Target:
    """The target with the addresses that take a connection.

    Raises:
        InputError: none does, and why.
    """
    try:
        return reached(target)
    except AttemptFailed as failed:
        advice = {
            "connect_refused": "nothing listens there; is the edge running?",
            "unresolved": "no such host name",
            "tls_failed": "its certificate does not verify; for a private authority give --softphone-ca FILE",
        }.get(failed.outcome.value, "it cannot be reached")
        raise InputError(f"--host {target.url}: {failed.outcome.value}: {advice}") from None


def _edge_stats(target: Target) -> dict[str, Any] | None:
    """The counters of a simulated edge, or None when the target is none of ours."""
    http = HttpConnection(target)
    try:
        stats = json.loads(http.request("GET", "/stats", "", b"", _STATS_S).body)
        return stats if stats.get("server") == _EDGE else None
    except (AttemptFailed, ValueError, AttributeError):
        return None
    finally:
        http.close()


def _planned_per_second(started_by: Callable[[float], int], duration_s: float) -> list[int]:
    """Planned starts in each second of the plan."""
    seconds = int(duration_s) + 1
    by_end = [started_by(second + 1 - 1e-9) for second in range(seconds)]
    return [after - before for before, after in zip([0, *by_end], by_end, strict=False)]


def _versions(target: Target) -> dict[str, str]:
    packages = ("locust", "gevent", "websocket-client", "tenacity", "aiohttp")
    return {
        "locust-softphone": __version__,
        **{package: version(package) for package in packages},
        **({"tls": engine_of(target.tls)} if target.tls else {}),
        "python": platform.python_version(),
        "platform": sys.platform,
    }
