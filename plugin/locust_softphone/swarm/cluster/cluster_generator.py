"""The generator of a run that is spread over workers, as the master sees it.

    prepare    each worker gets its plan
    begin      the plan starts on all of them at the same instant
    meanwhile  tallies come in each second; a lost worker's slots move to the others, a new worker gets its part
    stop       all hang up and report the rest

A worker that is silent or disconnected, or sends an unusable message, is lost. The others take over its remaining
slots; slots that were due before it was noticed are lost, since a late start would not be the planned one, and so is
what it had not reported. The run is then invalid, and its record says how much is missing.
"""

from __future__ import annotations

import logging
import random
import time
import uuid
from collections import Counter
from dataclasses import asdict
from typing import Any

import gevent
from locust.runners import MasterRunner

from locust_softphone.config.profile import Profile
from locust_softphone.metrics.tally import Tally
from locust_softphone.signaling.account import Account
from locust_softphone.signaling.dialects.by_name import dialect_of
from locust_softphone.swarm import workarounds
from locust_softphone.swarm.cluster.echoes import Echoes
from locust_softphone.swarm.cluster.messages import MessageType, Plan
from locust_softphone.swarm.cluster.shared_token import MasterTokenProvider
from locust_softphone.swarm.cluster.slots import SlotOwners
from locust_softphone.swarm.cluster.worker_messages import UnusableMessage, read_report, read_worker_message
from locust_softphone.swarm.load.lease import SILENT_S
from locust_softphone.swarm.load.locust_rows import LocustRows
from locust_softphone.swarm.load.recorder import Recorder
from locust_softphone.swarm.load.telemetry import telemetry_of
from locust_softphone.text import one_line

__all__ = ["ClusterGenerator"]

logger = logging.getLogger(__name__)

SETTLED_S = 1.0
"""A slot that is due sooner than this stays with its worker: no slot may be served twice."""

IN_TRANSIT_S = 0.1
"""A lost worker's slot that is due sooner than this is lost too: another worker would start it late."""

COLLECT_S = 15.0
"""How long after the plan's end, and after a stop, the workers are waited for."""
LATEST_S = 3600.0
"""Nothing is measured so long after the plan's end."""
_CHECK_EVERY_S = 0.5


class ClusterGenerator:
    """The workers of one run; it is a ``Generator``.

    Args:
        runner: the master's.
        profile: what to do.
        account: the edge, and who the softphones are to it.
        worker_ids: the workers at the start of the run, at least one.
    """

    def __init__(self, runner: MasterRunner, profile: Profile, account: Account, worker_ids: list[str]) -> None:
        self.worker_ids = list(worker_ids)
        self._runner = runner
        self.run_id = uuid.uuid4().hex
        self._profile = profile
        self._account = account
        self._slots = SlotOwners(profile.schedule(), worker_ids)
        self._initial_workers = len(worker_ids)
        self._epoch_s: float | None = None
        self._lost: list[str] = []
        self._taken_over = 0
        self._cannot: dict[str, list[str]] = {}
        self._echoes = Echoes(lambda worker, sent_s: self._send(MessageType.ECHO, {"sent_s": sent_s}, worker))
        self._reported_until_s: dict[str, float] = {}
        self._finished: set[str] = set()
        self._stopped: set[str] = set()
        self._stopping = self._collected = False
        self._received = Tally()
        rows = LocustRows(runner.environment)
        self._recorder = Recorder(rows, telemetry_of(runner.environment), dialect=profile.dialect)
        dialect = dialect_of(profile, account, random.Random())
        self._token = MasterTokenProvider(
            dialect, self._recorder, self.clock, beyond_plan=profile.attempts_beyond_plan()
        )

    # The run's side.

    def prepare(self) -> None:
        """Send each worker its plan."""
        for worker in self.worker_ids:
            self._send_plan(worker, self._slots.of(worker))

    def begin(self, in_s: float) -> None:
        """Let the plan start ``in_s`` seconds from now, on every worker at the same instant."""
        workarounds.keep_users_in_place(self._runner)
        self._echoes.measure(self._present)
        self._epoch_s = time.perf_counter() + in_s
        for worker in self.worker_ids:
            self._send_begin(worker)
        gevent.spawn(self._watch_workers)

    def clock(self) -> float:
        """Seconds since the plan's start; 0 until it is fixed."""
        return 0.0 if self._epoch_s is None else time.perf_counter() - self._epoch_s

    @property
    def known_until_s(self) -> float:
        """The oldest last report of the workers that are left."""
        return min((self._reported_until_s.get(worker, 0.0) for worker in self._present), default=0.0)

    @property
    def over(self) -> bool:
        """Whether all workers have finished, or the plan ended too long ago to wait for them."""
        late = self.clock() > self._profile.duration_s + COLLECT_S
        return self._epoch_s is not None and (late or self._finished >= set(self._present))

    def stop(self) -> None:
        """Tell all to hang up; returns when all have reported, or after ``COLLECT_S``."""
        self._stopping = True
        for worker in self.worker_ids:  # lost ones too, in case they are alive
            self._send(MessageType.STOP, {}, worker)
        deadline_s = time.perf_counter() + COLLECT_S
        while self._reporting - self._stopped and time.perf_counter() < deadline_s:
            gevent.sleep(0.05)
        self._collected = True

    def take(self) -> Tally:
        """What has come in since the last call."""
        taken, self._received = self._received, Tally()
        taken.merge(self._recorder.take())
        return taken

    @property
    def workers(self) -> int:
        """How many workers there have been."""
        return len(self.worker_ids)

    def summary(self) -> dict[str, Any]:
        """The workers, for the run record."""
        return {
            "workers": self.workers,
            "lost": len(self._lost),
            "starts_taken_over": self._taken_over,
            "message_delay_s": self._echoes.summary(),
        }

    def problems(self) -> list[str]:
        """Why measurements are missing."""
        found = []
        if self._lost:
            found.append(
                f"{len(self._lost)} of {self.workers} workers lost, with what they had not reported; "
                f"{self._taken_over} of their starts were taken over"
            )
        if silent := set(self._present) - self._stopped:
            found.append(f"{len(silent)} of {self.workers} workers did not report at the end")
        for problem, number in Counter(each for told in self._cannot.values() for each in told).items():
            found.append(f"{number} of {self.workers} workers: {problem}")
        return found

    # The workers' side.

    def receive(self, kind: str, worker: str, data: Any) -> None:
        """Handle a worker's message. One that cannot be used costs its worker, and nothing that was measured so far."""
        if kind == MessageType.JOINED:
            self._admit(worker)
        elif worker in self.worker_ids and isinstance(data, dict) and data.get("run") == self.run_id:
            try:
                self._receive(kind, worker, read_worker_message(kind, data))
            except UnusableMessage as problem:
                self.lose(worker, f"sent an unusable message ({problem})")

    def _receive(self, kind: str, worker: str, data: dict[str, Any]) -> None:
        match kind:
            case MessageType.ECHO:
                self._echoes.receive(worker, data["sent_s"])
            case MessageType.CANNOT:
                self._cannot[worker] = [one_line(problem) for problem in data["problems"]]
                logger.error("worker %s: %s", worker, "; ".join(self._cannot[worker]))
            case MessageType.TALLY:
                self._add_report(kind, worker, data)
            case MessageType.FINISHED:
                self._finished.add(worker)
            case MessageType.STOPPED:
                self._stopped.add(worker)
                if "tally" in data:
                    self._add_report(kind, worker, data)
            case MessageType.BACK_OFF:
                for other in set(self._present) - {worker}:
                    self._send(MessageType.BACK_OFF, data, other)
            case MessageType.TOKEN_REQUEST if not self._collected:
                self._send(MessageType.TOKEN_REPLY, self._token.reply(data["rejected"]), worker)

    def _send(self, kind: MessageType, data: dict[str, Any], worker: str) -> None:
        self._runner.send_message(kind, {**data, "run": self.run_id}, worker)

    @property
    def _present(self) -> list[str]:
        """The workers that are not lost."""
        return [worker for worker in self.worker_ids if worker not in self._lost]

    @property
    def _reporting(self) -> set[str]:
        """The workers that can still report."""
        return {worker for worker in self._present if not workarounds.is_missing(self._runner, worker)}

    def _add_report(self, kind: str, worker: str, data: dict[str, Any]) -> None:
        tally, until_s = read_report(kind, data, self._profile.duration_s + LATEST_S)
        self._received.merge(tally)
        self._reported_until_s[worker] = until_s

    def _watch_workers(self) -> None:
        """Notice lost workers until the run is over."""
        while not (self.over or self._stopping):
            self._echoes.send(self._present)
            gevent.sleep(_CHECK_EVERY_S)
            if self.over or self._stopping:
                return
            for worker in self._present:
                if worker not in self._runner.clients:
                    self.lose(worker, "has left")
                elif self._echoes.silent_s(worker) > SILENT_S:
                    self.lose(worker, f"has been silent for {SILENT_S} s")

    def lose(self, worker: str, why: str) -> None:
        """Count a worker as lost and move its remaining slots to the others. Its lease ends before they are due."""
        if worker not in self._present:
            return
        self._lost.append(worker)
        self._send(MessageType.STOP, {}, worker)  # in case it is alive
        slots, others = self._slots.of(worker, self.clock() + IN_TRANSIT_S), self._present
        moved = ", the others take them over" if others and slots else ""
        logger.error("worker %s %s: it is lost; %d of its starts were still to come%s", worker, why, len(slots), moved)
        if others and slots:
            self._taken_over += len(slots)
            self._move(slots, others)

    def _admit(self, worker: str) -> None:
        """Let a worker that joins during the run serve its part of the remaining slots."""
        if self._epoch_s is None or worker in self.worker_ids:
            return
        released = self._slots.part_for_newcomer(len(self._present) + 1, self.clock() + SETTLED_S)
        slots = sorted(slot for part in released.values() for slot in part)
        if not slots or self._stopping:
            return
        self.worker_ids.append(worker)
        logger.info("worker %s joins late and serves %d of the starts to come", worker, len(slots))
        for owner, part in released.items():
            if owner in self._present:
                self._send(MessageType.RELEASE_SLOTS, {"slots": part}, owner)
        self._send_plan(worker, [])
        self._send_begin(worker)
        self._move(slots, [worker])

    def _move(self, slots: list[int], workers: list[str]) -> None:
        for worker, part in self._slots.move(slots, workers).items():
            self._finished.discard(worker)
            self._send(MessageType.ADD_SLOTS, {"slots": part}, worker)

    def _send_plan(self, worker: str, slots: list[int]) -> None:
        account = self._account
        plan = Plan(
            run=self.run_id,
            profile=self._profile.resolved(),
            urls=account.hosts.urls,
            authorized=account.hosts.api.authorized,
            slots=slots,
            workers=self._initial_workers,
            credentials=asdict(account.credentials),
            users=[user.to_plain() for user in account.users],
            call_to=account.call_to,
        )
        self._send(MessageType.PLAN, plan.to_plain(), worker)

    def _send_begin(self, worker: str) -> None:
        in_s = -self.clock() - self._echoes.delay_s(worker)
        self._send(MessageType.BEGIN, {"in_s": in_s}, worker)
