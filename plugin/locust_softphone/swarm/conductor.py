"""Starts a run and judges it: on the master of a fleet, or on a process alone.

prepare   read the options, reach the edge (or start a simulated one)      before the first user
begin     all users exist: fix the plan's start                            Locust's spawning_complete
collect   everybody hangs up, and hands in what was measured               Locust's test_stopping
finish    read the edge's counters, balance, write the record, judge       Locust's test_stop
"""

from __future__ import annotations

import json
import logging
import platform
import sys
import time
from collections.abc import Mapping
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any

import gevent
from locust.env import Environment
from locust.runners import MasterRunner

from locust_softphone import __version__
from locust_softphone.errors import AttemptFailed, InputError
from locust_softphone.measure import Tally
from locust_softphone.report import ledger
from locust_softphone.report.record import RunFacts, build, write
from locust_softphone.report.summary import summary_lines
from locust_softphone.signaling.http import HttpConnection
from locust_softphone.signaling.stream import Target
from locust_softphone.swarm import messages
from locust_softphone.swarm.edge_process import EdgeProcess
from locust_softphone.swarm.options import Options
from locust_softphone.swarm.share import Share
from locust_softphone.swarm.watch import on_time_per_s, saturation

__all__ = ["Conductor"]

logger = logging.getLogger(__name__)

_REACH_S = 5.0
_BEGIN_IN_S = 0.25
_BEGIN_IN_EACH_S = 0.0005
_COLLECT_S = 15.0
_BAD_INPUT = 2


class Conductor:
    """One run after another on this process or this fleet.

    Args:
        environment: Locust's.
    """

    def __init__(self, environment: Environment) -> None:
        self.share: Share | None = None
        self.exit_code: int | None = None
        self._environment = environment
        self._run: _Run | None = None
        self._refused = False
        self._options: Options | None = None
        if isinstance(environment.runner, MasterRunner):
            environment.runner.register_message(messages.OVER, self._on_over)
            environment.runner.register_message(messages.DONE, self._on_done)
            environment.events.worker_report.add_listener(self._on_report)

    # The course of a run.

    def check(self) -> None:
        """Check the options and reach the edge before anything begins.

        Raises:
            InputError: with every problem, a line each.
        """
        options = Options.read(self._parsed(), self._environment.host)
        if options.target:
            _reach(options.target)
        _check_writable(options.runs)
        self._options = options

    def users_wanted(self) -> int | None:
        """How many Locust users there must be now: a whole number per worker, or None when the run is over."""
        if self._refused:
            self._refused = False
            return None
        if self._run is None:
            try:
                self._options = Options.read(self._parsed(), self._environment.host)
            except InputError as error:
                self._complain(error)
                return None
            workers = max(self._workers(), 1)
            return -(-self._options.profile.users // workers) * workers
        return None if self._over() else self._run.users

    def start(self) -> None:
        """Locust's ``test_start``: reach the edge, share out the plan."""
        options = self._options
        assert options is not None
        try:
            self._run = _Run(options, self._environment, self._worker_ids())
        except InputError as error:
            self._complain(error)
            self._refused = True
            return
        self.share = self._run.share

    def begin(self) -> None:
        """Locust's ``spawning_complete``: all users exist and wait."""
        run = self._run
        if run is None or run.began_at is not None:
            return
        in_s = _BEGIN_IN_S + _BEGIN_IN_EACH_S * run.options.profile.users
        run.begin(in_s)
        if run.share is not None:
            run.share.begin(in_s)
        elif isinstance(self._environment.runner, MasterRunner):
            self._environment.runner.send_message(messages.BEGIN, {"in_s": in_s})

    def collect(self) -> None:
        """Locust's ``test_stopping``: everybody hangs up, and what was measured comes in."""
        run, runner = self._run, self._environment.runner
        if run is None or runner is None:
            return
        run.ended_early = not self._over()
        if run.share is not None:
            run.share.stop(runner.user_greenlets)
            run.tally.merge(run.share.recorder.take())
        elif isinstance(runner, MasterRunner):
            runner.send_message(messages.STOP, {})
            deadline_s = time.perf_counter() + _COLLECT_S
            while run.missing and time.perf_counter() < deadline_s:
                gevent.sleep(0.05)

    def finish(self) -> None:
        """Locust's ``test_stop``: balance, record, judge, say so."""
        run, self._run, self.share = self._run, None, None
        if run is None:
            return
        try:
            record = run.record()
            for line in summary_lines(record):
                print(line)
            self.exit_code = max(self.exit_code or 0, record["exit_code"])
            print(f"run record: {write(record, run.folder)}", flush=True)
        except InputError as error:
            self._complain(error)
        finally:
            run.close()

    # What workers say.

    def _on_over(self, msg: Any, **_: Any) -> None:
        if self._run is not None:
            self._run.over.add(msg.node_id)

    def _on_done(self, msg: Any, **_: Any) -> None:
        if self._run is not None:
            self._merge(msg.data)
            self._run.missing.discard(msg.node_id)

    def _on_report(self, data: dict[str, Any], **_: Any) -> None:
        self._merge(data.pop(messages.REPORT_KEY, {}))

    def _merge(self, plain: dict[str, Any]) -> None:
        if self._run is not None and plain:
            self._run.tally.merge(Tally.from_plain(plain))

    # Small questions.

    def _over(self) -> bool:
        run = self._run
        if run is None or run.began_at is None:
            return False
        if run.share is not None:
            return run.share.over
        return run.over >= run.workers or run.clock() > run.options.profile.duration_s + _COLLECT_S

    def _parsed(self) -> Any:
        return self._environment.parsed_options

    def _workers(self) -> int:
        return len(self._worker_ids())

    def _worker_ids(self) -> list[str]:
        runner = self._environment.runner
        if not isinstance(runner, MasterRunner):
            return []
        return [client.id for client in (*runner.clients.ready, *runner.clients.running, *runner.clients.spawning)]

    def _complain(self, error: InputError) -> None:
        self.exit_code = _BAD_INPUT
        for problem in error.problems:
            logger.error("%s", problem)


class _Run:
    """One run: the edge, what comes in, and the record that is made of it."""

    def __init__(self, options: Options, environment: Environment, worker_ids: list[str]) -> None:
        self.options = options
        self.workers = set(worker_ids)
        self.missing = set(worker_ids)
        self.over: set[str] = set()
        self.tally = Tally()
        self.began_at: float | None = None
        self.ended_early = False
        self.share: Share | None = None
        users, stride = options.profile.users, max(len(worker_ids), 1)
        self.users = -(-users // stride) * stride
        self._epoch_s = 0.0
        stamp = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%S.%fZ")
        self.folder = options.runs / f"{stamp}-{options.profile.name}"
        self._edge = None if options.target else EdgeProcess(options.policy)
        try:
            self.target = options.target or Target.parse(self._edge.url if self._edge else "")
            self.target = _reach(self.target)
            self._edge_before = _edge_stats(self.target)
            self._policy = self._edge_before.pop("policy", {}) if self._edge_before else None
            if self._policy is not None:
                self._policy.pop("organisations", None)  # whose run it is does not belong into its record
            if worker_ids:
                self._share_out(environment, worker_ids)
            else:
                self.share = Share(environment, options.profile, self.target, options.credentials)
                if found := self.share.shortages():
                    raise InputError(*found)
        except BaseException:
            self.close()
            raise

    def _share_out(self, environment: Environment, worker_ids: list[str]) -> None:
        for offset, worker_id in enumerate(worker_ids):
            plan = messages.Plan(self.options.profile.resolved(), self.target.url, offset, len(worker_ids), __version__)
            assert environment.runner is not None
            environment.runner.send_message(messages.PLAN, plan.to_plain(), worker_id)

    def begin(self, in_s: float) -> None:
        self.began_at = time.time() + in_s
        self._epoch_s = time.perf_counter() + in_s

    def clock(self) -> float:
        return time.perf_counter() - self._epoch_s

    def record(self) -> dict[str, Any]:
        ended_at = time.time()
        profile, began_at = self.options.profile, self.began_at or ended_at
        after = _edge_stats(self.target) if self._edge_before is not None else None
        edge = ledger.since(self._edge_before, after) if self._edge_before is not None and after is not None else None
        balanced = ledger.balance(self.tally.counts, edge["steps"]) if edge else None
        first_s = self.tally.first_s.get("started")
        return build(
            RunFacts(
                run_id=self.folder.name,
                profile=profile.resolved(),
                planned=_planned_per_second(profile.schedule().started_by, profile.duration_s),
                calls_each=profile.softphone.calls.count,
                target={
                    "url": self.target.url,
                    "simulated": self._edge_before is not None,
                    "policy": self._policy,
                },
                versions=_versions(),
                workers=len(self.workers),
                times={
                    "planned_start": _iso(began_at),
                    "actual_start": None if first_s is None else _iso(began_at + first_s),
                    "end": _iso(ended_at),
                    "ended": "stopped" if self.ended_early else "plan over",
                },
                edge=edge,
                ledger=balanced,
                invalid=self._reasons(balanced),
                on_time_per_s=on_time_per_s(self.tally),
                expectations=profile.expect,
            ),
            self.tally,
        )

    def _reasons(self, balanced: Mapping[str, Any] | None) -> list[str]:
        """Why this run cannot be trusted, if it cannot."""
        reasons = []
        if self.missing:
            reasons.append(f"{len(self.missing)} of {len(self.workers)} workers did not report at the end")
        if self.ended_early:
            reasons.append("the run was stopped before its plan was over")
        elif self.tally.counts["started"] < self.options.profile.users:
            reasons.append(
                f"only {self.tally.counts['started']} of {self.options.profile.users} planned softphones started"
            )
        if saturated := saturation(self.tally):
            reasons.append(saturated)
        if balanced is None and self._edge_before is not None:
            reasons.append("the edge did not tell its counters at the end")
        if balanced and not balanced["balanced"]:
            reasons += [f"the ledger does not balance: {problem}" for problem in balanced["problems"]]
        return reasons

    def close(self) -> None:
        """Stop the simulated edge, if it is ours."""
        if self._edge is not None:
            self._edge.stop()
            self._edge = None


def _reach(target: Target) -> Target:
    try:
        return target.reached(_REACH_S)
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
        stats = json.loads(http.request("GET", "/stats", "", b"", _REACH_S).body)
        return stats if stats.get("server") == "locust-softphone-edge" else None
    except (AttemptFailed, ValueError, AttributeError):
        return None
    finally:
        http.close()


def _check_writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise InputError(f"--softphone-runs {folder}: cannot be written to ({error.strerror})") from None


def _planned_per_second(started_by: Any, duration_s: float) -> list[int]:
    """Planned starts in each second of the plan."""
    seconds = int(duration_s) + 1
    by_end = [started_by(second + 1 - 1e-9) for second in range(seconds)]
    return [after - before for before, after in zip([0, *by_end], by_end, strict=False)]


def _versions() -> dict[str, str]:
    packages = ("locust", "gevent", "websocket-client", "tenacity", "aiohttp")
    return {
        "locust-softphone": __version__,
        **{package: version(package) for package in packages},
        "python": platform.python_version(),
        "platform": sys.platform,
    }


def _iso(timestamp: float) -> str:
    return datetime.fromtimestamp(timestamp, timezone.utc).isoformat(timespec="milliseconds")
