"""The generator of one process: its softphones, and what they measure.

    users are spawned early ──► each takes a slot, waits for begin() ──► waits for its planned start ──► runs its script

``begin`` fixes the plan's start on this process's monotonic clock, so no clocks are compared between machines.
"""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable, Sequence

import gevent
from gevent.event import Event
from locust.env import Environment

from locust_softphone.config.profile import Profile
from locust_softphone.errors import InputError
from locust_softphone.metrics.tally import Tally
from locust_softphone.retry.budget import MASTER_PART, RetryBudget
from locust_softphone.runs.saturation import LATE_START_S, judged_by, saturation
from locust_softphone.signaling.account import Account
from locust_softphone.signaling.context import SoftphoneContext, goodbye_s
from locust_softphone.signaling.dialects.by_name import dialect_of
from locust_softphone.signaling.shared_backoff import SharedBackoff
from locust_softphone.signaling.softphone import Softphone
from locust_softphone.signaling.token import SharedToken, TokenSource
from locust_softphone.swarm.load.connections import sample_connections
from locust_softphone.swarm.load.event_loop import monitor_event_loop
from locust_softphone.swarm.load.garbage import collect_garbage_normally, collect_garbage_rarely
from locust_softphone.swarm.load.lease import LEASE_S, Lease
from locust_softphone.swarm.load.locust_rows import LocustRows
from locust_softphone.swarm.load.loop_lag import LoopLag
from locust_softphone.swarm.load.recorder import Recorder
from locust_softphone.swarm.load.resources import raise_descriptor_limit, shortages
from locust_softphone.swarm.load.telemetry import telemetry_of

__all__ = ["LoadGenerator"]

_CUT_OFF_S = 30.0


class LoadGenerator:
    """The softphones of one process in one run; it is a ``Generator``.

    Args:
        environment: Locust's.
        profile: what to do.
        account: the edge, and who the softphones are to it.
        slots: this process's slots in the plan, in order.
        shared_token: the source of the shared token, for a profile that shares one; None for one of this process.
        pace_share: this process's part of the pace at which softphones come back after a shared backoff.
        spread_back_off: tells the other processes that a 429 holds back the fleet: the step, and for how many seconds.
    """

    workers = 0
    """This process makes the load itself."""

    def __init__(
        self,
        environment: Environment,
        profile: Profile,
        account: Account,
        *,
        slots: Sequence[int],
        shared_token: TokenSource | None = None,
        lease: Lease | None = None,
        pace_share: float = 1.0,
        spread_back_off: Callable[[str, float], None] | None = None,
    ) -> None:
        self._schedule = profile.schedule()
        self._planned_end_s = profile.duration_s
        self._lag = LoopLag()
        self.recorder = Recorder(LocustRows(environment), telemetry_of(environment), self._lag, profile.dialect)
        self.stopped = False
        self._lease = lease
        self._environment = environment
        self._slots = deque(slots)
        self._phones: list[Softphone] = []
        self._released: set[int] = set()
        self._unfinished = len(slots)
        self._hosts = account.hosts
        self._hosts.take_handshakes()  # those of the checks before the run
        streaming = account.hosts.streaming
        self._addresses = len(streaming.addresses)
        self._sources = len(streaming.sources.addresses) if streaming.sources else 1
        self._epoch_s = time.perf_counter()
        self._begun = Event()
        shares_token, asks_master = profile.softphone.token == "shared", shared_token is not None
        beyond_each = profile.attempts_beyond_plan() / profile.users
        self._budget_each = beyond_each * (1 - MASTER_PART) if shares_token and asks_master else beyond_each
        first_token = 1 if shares_token and not asks_master else 0
        rng, retry = random.Random(), profile.softphone.retry
        self.shared_backoff = (
            SharedBackoff(self.clock, retry.pace_per_s * pace_share, spread_back_off) if retry.pauses_fleet else None
        )
        self.context = SoftphoneContext(
            behaviour=profile.softphone,
            dialect=dialect_of(profile, account, rng),
            observer=self.recorder,
            shared_token=(shared_token or SharedToken(self.clock)) if shares_token else None,
            shared_backoff=self.shared_backoff,
            budget=RetryBudget(self._budget_each * len(slots) + first_token),
            clock=self.clock,
            sleep=gevent.sleep,
            random=rng,
            end_s=profile.duration_s,
            goodbye_s=0.0,
            stands_still=lambda: self._lag.stands_still(self.clock()),
        )
        self._taken: Tally | None = None  # what ``saturation`` needs of the tallies that were handed on
        self._set_goodbye_time()

    # The run's side.

    def prepare(self) -> None:
        """Check the resources of this process.

        Raises:
            InputError: it lacks file descriptors or local ports.
        """
        found = shortages(
            self._unfinished,
            at_once=min(self._schedule.peak_starts_per_s(), self._unfinished),
            addresses=self._addresses * self._sources,
            descriptors=raise_descriptor_limit(),
        )
        if found:
            raise InputError(*found)

    def begin(self, in_s: float) -> None:
        """Fix the plan's start, ``in_s`` seconds from now."""
        self._epoch_s = time.perf_counter() + in_s
        collect_garbage_rarely()
        self._begun.set()
        gevent.spawn(monitor_event_loop, self.recorder, self._lag, self.clock, self._has_ended, self._set_goodbye_time)
        gevent.spawn(sample_connections, self._phones, self.recorder, self.clock, self._has_ended)

    def clock(self) -> float:
        """Seconds since the plan's start on this process; negative before it."""
        return time.perf_counter() - self._epoch_s

    @property
    def known_until_s(self) -> float:
        """Everything up to now is measured."""
        return self.clock()

    @property
    def over(self) -> bool:
        """Whether all softphones are done, or the plan ended too long ago to wait for them."""
        if not self._begun.is_set():
            return False
        return self._unfinished <= 0 or self.clock() > self.context.end_s + self.context.goodbye_s

    def stop(self) -> None:
        """Stop now: all hang up, those too that wait for an answer; after the time for goodbyes the rest is cut off."""
        collect_garbage_normally()
        self.stopped = True
        now_s, goodbye_s = self.clock(), self.context.goodbye_s
        if self._begun.is_set() and (missed := self._due_and_not_started(now_s - LATE_START_S)):
            self.recorder.count("starts_missed", now_s, missed)
        self.context.end_s = min(self.context.end_s, now_s)
        assert self._environment.runner is not None
        users = self._environment.runner.user_greenlets
        if goodbye_s:
            self.context.goodbye_s = now_s + goodbye_s - self.context.end_s
            users.kill(block=True, timeout=goodbye_s)
        users.kill(block=True, timeout=_CUT_OFF_S)

    def take(self) -> Tally:
        """What was measured since the last call."""
        for metric, number in self._hosts.take_handshakes().items():
            self.recorder.count(metric, self.clock(), number)
        taken = self.recorder.take()
        if self._taken is None:
            self._taken = Tally()
        self._taken.merge(judged_by(taken))
        return taken

    def summary(self) -> None:
        """There are no workers to summarize."""

    def problems(self) -> list[str]:
        """No measurements can be missing."""
        return []

    # The softphones' side.

    def take_slot(self) -> Softphone | None:
        """The next slot's softphone, or None when all slots are taken: that user has nothing to do."""
        if not self._slots:
            return None
        number = self._slots.popleft()
        start_s = self._schedule.start_time(number)
        leaves_s = self._schedule.leave_time(number, self._planned_end_s)
        self._phones.append(Softphone(self.context, number, start_s, leaves_s))
        return self._phones[-1]

    def wait_until_planned_start(self, softphone: Softphone) -> bool:
        """Wait until the plan has begun and the softphone's planned start has come.

        Returns:
            Whether it may start. It may not if another worker has taken over the slot, or if the plan is over: a late
            generator must not go on when its run should have ended. On a worker whose lease had expired it may not if
            it would start later than a lease lasts, or many would start at once: it is counted as skipped.
        """
        self._begun.wait()
        gevent.sleep(max(softphone.planned_s - self.clock(), 0.0))
        if self._lease is not None:
            self._lease.wait()
            if self.clock() - softphone.planned_s > LEASE_S and softphone.number not in self._released:
                self.recorder.count("starts_skipped", self.clock())
                self._released.add(softphone.number)
                self.done(softphone)
                return False
        if softphone.number in self._released:
            return False
        if self.clock() >= self.context.end_s:
            self.done(softphone)
            return False
        return True

    def crashed(self, softphone: Softphone) -> None:
        """Count a softphone whose script raised: it did not do all that was planned."""
        softphone.cut_short = False  # it is counted once
        self.recorder.count("crashed", self.clock())

    def done(self, softphone: Softphone) -> None:
        """Count a softphone as finished, and its script as cut short if that did not get to its end."""
        self._unfinished -= 1
        if softphone.cut_short:
            self.recorder.count("scripts_cut_short", self.clock())

    # Moving slots between workers.

    def add(self, slots: Sequence[int]) -> None:
        """Serve these slots too; one more user is needed for each."""
        self._slots.extend(slots)
        self._unfinished += len(slots)
        self.context.budget.move(self._budget_each * len(slots))

    def release(self, slots: Sequence[int]) -> None:
        """Do not serve these slots: another process does."""
        self._released.update(slots)
        self._unfinished -= len(slots)
        self.context.budget.move(-self._budget_each * len(slots))

    def _due_and_not_started(self, by_s: float) -> int:
        """How many softphones were due by an instant, and have not started."""
        waiting = {phone.number for phone in self._phones if not phone.started} | set(self._slots)
        return sum(self._schedule.start_time(slot) < by_s for slot in waiting - self._released)

    def _has_ended(self) -> bool:
        return self.over or self.stopped

    def _set_goodbye_time(self) -> None:
        """Allow time to hang up after the plan's end, unless the generator is saturated and would end even later."""
        if self.stopped:
            return
        so_far = self.recorder.tally
        if self._taken is not None:
            so_far = judged_by(so_far)
            so_far.merge(self._taken)
        self.context.goodbye_s = 0.0 if saturation(so_far) else goodbye_s(self._unfinished)
