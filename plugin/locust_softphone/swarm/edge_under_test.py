"""The edge of one run: one that is there already, or a simulated one that is started for the run.

A simulated edge publishes its counters (``GET /stats``). They are read before and after the run: what they gained is
balanced against what the softphones measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gevent

from locust_softphone.errors import AttemptFailed, InputError
from locust_softphone.metrics.failure_advice import unreachable
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.metrics.tally import Tally
from locust_softphone.runs import ledger
from locust_softphone.runs.edge_counters import gone_down, read_counters
from locust_softphone.runs.edge_process import EdgeProcess
from locust_softphone.signaling.account import Account
from locust_softphone.signaling.hosts import Hosts
from locust_softphone.signaling.http import HttpConnection
from locust_softphone.signaling.target import Target
from locust_softphone.swarm.load.resources import edge_shortage, raise_descriptor_limit
from locust_softphone.swarm.load.sockets import reached
from locust_softphone.swarm.options import RunOptions

__all__ = ["EdgeUnderTest", "Settlement", "reach"]

_STATS_S = 5.0
_STATS_TRIES = 5


@dataclass(frozen=True)
class Settlement:
    """What a run did to the edge, by the edge's own count.

    Args:
        counters: what the edge's counters gained; None if it publishes none, or they cannot be compared.
        ledger: as ``ledger.balance`` returns it, or None without counters.
        problems: why the run's measurements cannot be confirmed.
    """

    counters: Mapping[str, Any] | None = None
    ledger: Mapping[str, Any] | None = None
    problems: tuple[str, ...] = ()


class EdgeUnderTest:
    """The edge of one run.

    Args:
        account: the edge, and who the softphones are to it.
        process: the simulated edge that was started for the run, or None.
        before: the edge's counters before the run, or None if it publishes none.
    """

    def __init__(self, account: Account, process: EdgeProcess | None, before: dict[str, Any] | None) -> None:
        self.account = account
        self.target = account.hosts.api
        self._process = process
        self._before = before

    @classmethod
    def open(cls, options: RunOptions) -> EdgeUnderTest:
        """Reach the edge that the options name, or start a simulated one.

        Raises:
            InputError: it cannot be reached or started.
        """
        if not options.hosts:
            profile = options.profile
            at_once = min(profile.schedule().peak_starts_per_s(), profile.users)
            if problem := edge_shortage(profile.users, at_once=at_once, descriptors=raise_descriptor_limit()):
                raise InputError(problem)
        process = None if options.hosts else EdgeProcess.for_profile(options.profile, options.startup.policy)
        try:
            hosts = options.hosts or Hosts.one(Target.parse(process.url if process else ""))
            account = options.account(hosts).reached(reach)
            return cls(account, process, _stats(account.hosts.api) if hosts.is_one else None)
        except BaseException:
            if process is not None:
                process.stop()
            raise

    def describe(self) -> dict[str, Any]:
        """The edge, for the run record; without its organisations: those are credentials."""
        policy = None
        if self._before is not None:
            policy = {name: part for name, part in self._before.get("policy", {}).items() if name != "organisations"}
        return {"url": self.target.url, "simulated": self._before is not None, "policy": policy}

    def settle(self, tally: Tally, dialect: str) -> Settlement:
        """Read the counters after the run, and balance what they gained against the tally."""
        if self._before is None:
            return Settlement()
        after = _stats(self.target)
        if after is None:
            return Settlement(problems=("the edge's counters could not be read at the end",))
        if after.get("instance") != self._before.get("instance"):
            return Settlement(problems=("the edge was restarted during the run, and its counters with it",))
        counters = ledger.since(self._before, after)
        if gone_down(counters):
            return Settlement(problems=("the edge's counters are lower at the end than before",))
        sessions = counters.get("sessions", {}).get("total", 0)
        arrivals = {name: counters.get(name, {}) for name in ("doubled", "foreign")}
        balanced = ledger.balance(tally.counts, counters["steps"], dialect, sessions=sessions, **arrivals)
        problems = tuple(f"the ledger does not balance: {problem}" for problem in balanced["problems"])
        return Settlement(counters, balanced, problems)

    def close(self) -> None:
        """Stop the simulated edge that was started for the run."""
        process, self._process = self._process, None
        if process is not None:
            process.stop()


def reach(target: Target) -> Target:
    """The target with the addresses that accept a connection.

    Raises:
        InputError: none of them does, and why.
    """
    try:
        return reached(target)
    except AttemptFailed as failed:
        raise InputError(
            f"--host {target.url}: {unreachable(failed.outcome, failed.detail, tls=bool(target.tls))}"
        ) from None


def _stats(target: Target) -> dict[str, Any] | None:
    """The counters of a simulated edge, or None for any other target.

    A proxy that refuses the request because of a limit of its own is asked again, once a second.
    """
    for tries_left in reversed(range(_STATS_TRIES)):
        http = HttpConnection(target)
        try:
            return read_counters(http.request("GET", "/stats", "", b"", _STATS_S).body)
        except AttemptFailed as failed:
            if failed.outcome not in (Outcome.RATE_LIMITED, Outcome.UNAVAILABLE) or not tries_left:
                return None
        finally:
            http.close()
        gevent.sleep(1)
    return None
