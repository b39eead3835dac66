"""The workers of one run, as the master sees them: who serves which slots, and what is done when one comes or goes.

    worker i of W    serves the slots i, i + W, i + 2W, … of the plan
    one is lost      its slots that are still to come are taken over by the others, in turn; the run is not valid, for
                     what it had not reported is lost with it
    one joins late   is given every so-manieth of the slots to come, which their workers give up

What a lost worker should have started before it was missed is lost, and the record says how much: a start that comes
late is not the planned one.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import gevent
from locust.runners import MasterRunner

from locust_softphone.config.schedule import Schedule
from locust_softphone.swarm.cluster import messages

__all__ = ["WorkerPool"]

logger = logging.getLogger(__name__)

SETTLED_S = 1.0
"""A slot that is nearer than this stays with its worker: two must never serve one slot."""

ON_THE_WAY_S = 0.1
"""A lost worker's slot that is nearer than this would be started late by another: it is lost too."""

SILENT_S = 2.5
"""A worker that has not answered for so long is lost; Locust itself needs 4 s to notice."""
_LOOK_EVERY_S = 0.5
_ECHOES = 5
_ECHO_WAIT_S = 1.0


class WorkerPool:
    """The workers of one run.

    Args:
        runner: the master's.
        schedule: the plan.
        worker_ids: the workers that are there at its start.
        plan_for: makes a worker's plan from its slots.
        clock: seconds since the plan's start.
    """

    def __init__(
        self,
        runner: MasterRunner,
        schedule: Schedule,
        worker_ids: Sequence[str],
        plan_for: Callable[[list[int]], messages.Plan],
        clock: Callable[[], float],
    ) -> None:
        self.workers = list(worker_ids)
        self.lost: list[str] = []
        self.delays_s: dict[str, float] = {}
        self.taken_over = 0
        self._heard_s: dict[str, float] = {}
        self.over: set[str] = set()
        self.done: set[str] = set()
        self._runner = runner
        self._schedule = schedule
        self._plan_for = plan_for
        self._clock = clock
        self._owners = [self.workers[slot % len(self.workers)] for slot in range(schedule.users)]
        self._began = False

    def share_out(self) -> None:
        """Send each worker its plan."""
        for index, worker in enumerate(self.workers):
            self._send_plan(worker, list(self._schedule.share(index, len(self.workers))))

    def begin(self, in_s: float) -> None:
        """Let the plan start ``in_s`` seconds from now, on every worker at the same instant."""
        due_s = time.perf_counter() + in_s
        for worker in self.workers:
            self._tell_begin(worker, due_s - time.perf_counter())
        self._began = True

    def measure_delays(self) -> None:
        """How long a message to each worker takes: half of the shortest of some round trips."""
        for _ in range(_ECHOES):
            self._call_out()
            gevent.sleep(0.01)
        deadline_s = time.perf_counter() + _ECHO_WAIT_S
        while len(self.delays_s) < len(self.workers) and time.perf_counter() < deadline_s:
            gevent.sleep(0.01)

    def _call_out(self) -> None:
        for worker in self.present:
            self._runner.send_message(messages.ECHO, {"sent_s": time.perf_counter()}, worker)

    def spread_hold(self, worker: str, hold: dict[str, Any]) -> None:
        """A worker's 429 holds back the fleet: tell the others."""
        for other in self.present:
            if other != worker:
                self._runner.send_message(messages.HOLD, hold, other)

    def heard_echo(self, worker: str, data: dict[str, Any]) -> None:
        """A worker has answered."""
        self._heard_s[worker] = time.perf_counter()
        delay_s = (self._heard_s[worker] - data["sent_s"]) / 2
        self.delays_s[worker] = min(delay_s, self.delays_s.get(worker, delay_s))

    @property
    def present(self) -> list[str]:
        """The workers that are still there."""
        return [worker for worker in self.workers if worker not in self.lost]

    def look_after(self, over: Callable[[], bool]) -> None:
        """Until the run is over, notice which workers are lost, and hand their slots on."""
        while not over():
            self._call_out()
            gevent.sleep(_LOOK_EVERY_S)
            if over():
                return
            now_s = time.perf_counter()
            for worker in self.present:
                gone = worker not in self._runner.clients
                if gone or now_s - self._heard_s.setdefault(worker, now_s) > SILENT_S:
                    self._lose(worker)

    def _lose(self, worker: str) -> None:
        self.lost.append(worker)
        self._runner.send_message(messages.STOP, {}, worker)  # if it lives after all, nothing may be served twice
        slots = [slot for slot in self._to_come(ON_THE_WAY_S) if self._owners[slot] == worker]
        others = self.present
        logger.error(
            "worker %s is lost; %d of its starts were still to come%s",
            worker,
            len(slots),
            ", the others take them over" if others and slots else "",
        )
        if others:
            self.taken_over += len(slots)
            self._hand_over(slots, others)

    def welcome(self, worker: str) -> None:
        """A worker has joined in mid-run: let it serve its part of what is still to come."""
        if not self._began or worker in self.workers:
            return
        self.workers.append(worker)
        pool = len(self.present)
        slots = self._to_come(SETTLED_S)[pool - 1 :: pool]
        if not slots:
            return
        logger.info("worker %s joins late and serves %d of the starts to come", worker, len(slots))
        given_up: defaultdict[str, list[int]] = defaultdict(list)
        for slot in slots:
            given_up[self._owners[slot]].append(slot)
        for owner, released in given_up.items():
            if owner in self.present:
                self._runner.send_message(messages.RELEASE, {"slots": released}, owner)
        self._send_plan(worker, [])
        self._tell_begin(worker, -self._clock())
        self._hand_over(slots, [worker])

    def _to_come(self, in_s: float) -> list[int]:
        """The slots whose start is farther away than that."""
        return list(range(self._schedule.started_by(self._clock() + in_s), self._schedule.users))

    def _hand_over(self, slots: Sequence[int], workers: Sequence[str]) -> None:
        for index, worker in enumerate(workers):
            taken = list(slots[index :: len(workers)])
            for slot in taken:
                self._owners[slot] = worker
            if taken:
                self.over.discard(worker)
                self._runner.send_message(messages.TAKE, {"slots": taken}, worker)

    def _send_plan(self, worker: str, slots: list[int]) -> None:
        self._runner.send_message(messages.PLAN, self._plan_for(slots).to_plain(), worker)

    def _tell_begin(self, worker: str, in_s: float) -> None:
        self._runner.send_message(messages.BEGIN, {"in_s": in_s - self.delays_s.get(worker, 0.0)}, worker)

    def missing(self) -> list[str]:
        """The workers that have not handed in what they measured."""
        return [worker for worker in self.workers if worker not in self.done]

    def all_over(self) -> bool:
        return self.over >= set(self.present)

    def summary(self) -> dict[str, Any]:
        """The pool, for the run record."""
        delays_s = list(self.delays_s.values())
        return {
            "workers": len(self.workers),
            "lost": len(self.lost),
            "starts_taken_over": self.taken_over,
            "message_delay_s": {"min": min(delays_s), "max": max(delays_s)} if delays_s else None,
        }
