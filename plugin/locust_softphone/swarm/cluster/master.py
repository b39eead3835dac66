"""The master's end: knows the workers and their versions, and passes their messages to the run that is on."""

from __future__ import annotations

import logging
import time
from typing import Any

import gevent
from locust.runners import MasterRunner

from locust_softphone import __version__
from locust_softphone.config.profile import Profile
from locust_softphone.errors import InputError
from locust_softphone.signaling.account import Account
from locust_softphone.swarm import workarounds
from locust_softphone.swarm.cluster.cluster_generator import ClusterGenerator
from locust_softphone.swarm.cluster.loopback import loopback_id
from locust_softphone.swarm.cluster.messages import MessageType
from locust_softphone.swarm.cluster.worker_messages import UnusableMessage, read_worker_message
from locust_softphone.swarm.load.resources import shortages
from locust_softphone.text import quoted

__all__ = ["Master"]

logger = logging.getLogger(__name__)

_JOINED_WAIT_S = 10.0


class Master:
    """The softphone plugin on a master.

    Args:
        runner: Locust's.
    """

    def __init__(self, runner: MasterRunner) -> None:
        self._runner = runner
        self._versions: dict[str, str] = {}
        self._loopbacks: dict[str, str] = {}
        self._on_loopback = False
        self._generator: ClusterGenerator | None = None

    def register(self) -> None:
        """Handle the workers' messages from now on. Fetching a token takes time, so it does not block the others."""
        for kind in ("JOINED", "ECHO", "CANNOT", "TALLY", "FINISHED", "STOPPED", "BACK_OFF"):
            self._runner.register_message(MessageType[kind], self._on_message)
        self._runner.register_message(MessageType.TOKEN_REQUEST, self._on_message, concurrent=True)
        workarounds.call_runs_stopped_without_lost_workers(self._runner)
        workarounds.survive_unusable_messages(self._runner, self._on_unusable)

    @property
    def worker_ids(self) -> list[str]:
        """The workers that can take part in a run."""
        clients = self._runner.clients
        return [client.id for client in (*clients.ready, *clients.running, *clients.spawning)]

    def check_reach(self, *, on_loopback: bool) -> None:
        """Check that the workers can reach the edge of the next run.

        Args:
            on_loopback: whether the edge is a simulated one that this master starts: it listens on loopback.

        Raises:
            InputError: there are workers that have another loopback.
        """
        self._on_loopback = on_loopback
        if not on_loopback:
            return
        workers = self.worker_ids
        self._check_versions(workers)
        if remote := [worker for worker in workers if self._is_elsewhere(worker)]:
            raise InputError(
                f"--host: without one, a simulated edge listens on this machine's loopback, and {len(remote)} of "
                f"{len(workers)} workers are on other machines ({_host_names(remote)}). Start an edge that they can "
                "reach (locust-softphone edge --host 0.0.0.0), and name it with --host and --authorized"
            )

    def _is_elsewhere(self, worker: str) -> bool:
        return self._loopbacks.get(worker, "") != loopback_id()

    def generator(self, profile: Profile, account: Account) -> ClusterGenerator:
        """The generator of a run on the workers that are there now.

        Raises:
            InputError: a worker has another version than this master, or this machine has too few local ports.
        """
        workers = self.worker_ids
        self._check_versions(workers)
        self._check_ports(workers, profile, account)
        workarounds.keep_lost_workers_listed(True)
        self._generator = ClusterGenerator(self._runner, profile, account, workers)
        return self._generator

    def _check_ports(self, workers: list[str], profile: Profile, account: Account) -> None:
        """Check that this machine has enough local ports for all workers on it: each checks only its own softphones.

        Raises:
            InputError: it has not.
        """
        here = sum(not self._is_elsewhere(worker) for worker in workers)
        softphones = -(-profile.users * here // max(len(workers), 1))
        target = account.hosts.streaming
        found = shortages(
            softphones,
            at_once=min(profile.schedule().peak_starts_per_s(), softphones),
            addresses=len(target.addresses) * (len(target.sources.addresses) if target.sources else 1),
        )
        if found:
            raise InputError(*found)

    def run_ended(self) -> None:
        """Let Locust forget the workers that are lost."""
        workarounds.keep_lost_workers_listed(False)

    def _check_versions(self, workers: list[str]) -> None:
        """Wait for each worker's version: Locust calls a worker ready a little before its plugin is."""
        deadline_s = time.perf_counter() + _JOINED_WAIT_S
        while not self._versions.keys() >= set(workers) and time.perf_counter() < deadline_s:
            gevent.sleep(0.05)
        if others := [each for each in workers if self._versions.get(each) != __version__]:
            raise InputError(*(_other_version(each, self._versions.get(each, "none")) for each in others))

    def _on_unusable(self, worker: str, why: str) -> None:
        if self._generator is not None:
            self._generator.lose(worker, why)

    def _on_message(self, environment: Any, msg: Any) -> None:
        if msg.type == MessageType.JOINED:
            try:
                joined = read_worker_message(msg.type, msg.data)
            except UnusableMessage as problem:
                logger.error("worker %s sent an unusable message (%s)", msg.node_id, problem)
                return
            version = self._versions[msg.node_id] = joined["version"]
            self._loopbacks[msg.node_id] = joined.get("loopback", "")
            if version != __version__:
                logger.error("%s", _other_version(msg.node_id, version))
                return
            if self._on_loopback and self._is_elsewhere(msg.node_id):
                logger.error("worker %s is on another machine: it cannot reach this run's simulated edge", msg.node_id)
                return
        if self._generator is not None:
            self._generator.receive(msg.type, msg.node_id, msg.data)


def _host_names(workers: list[str]) -> str:
    """The host names that Locust's ids of workers begin with."""
    return ", ".join(sorted({quoted(worker.rpartition("_")[0]) for worker in workers})[:5])


def _other_version(worker: str, version: str) -> str:
    return f"worker {worker} has locust-softphone {version}, the master {__version__}: install the same on both"
