"""The generator of the plan that this process serves: softphones offset, offset + stride, …, and what they measured.

    users are made ahead ──► each takes a slot, waits for begin() ──► then for its own instant ──► lives ──► is done

``begin`` fixes the plan's start on this process's monotonic clock; nothing depends on clocks that agree.
"""

from __future__ import annotations

import gc
import random
import time
from collections import deque
from collections.abc import Callable, Sequence

import gevent
from gevent.event import Event
from gevent.pool import Group
from locust.env import Environment

from locust_softphone import __version__
from locust_softphone.config.profile import Profile
from locust_softphone.metrics.tally import Tally
from locust_softphone.retry.budget import RetryBudget
from locust_softphone.runs.saturation import judged_by, saturation
from locust_softphone.signaling.context import SoftphoneContext
from locust_softphone.signaling.dialects import Account, dialect_for
from locust_softphone.signaling.shared_backoff import SharedBackoff
from locust_softphone.signaling.softphone import Softphone
from locust_softphone.signaling.token import SharedToken, TokenSource
from locust_softphone.swarm.cluster.shared_token import MASTER_BUDGET_PART
from locust_softphone.swarm.load.connections import sample_connections
from locust_softphone.swarm.load.event_loop import monitor_event_loop
from locust_softphone.swarm.load.recorder import Recorder
from locust_softphone.swarm.load.resources import raise_descriptor_limit, shortages
from locust_softphone.swarm.load.telemetry import telemetry_of

__all__ = ["LoadGenerator"]

_HANG_UP_S = 1.0
_HANG_UP_EACH_S = 0.0002
_CUT_OFF_S = 30.0


class LoadGenerator:
    """The softphones of one process in one run.

    Args:
        environment: Locust's.
        profile: what to do.
        account: the edge, and who the softphones are to it.
        slots: our slots in the plan, in their order.
        pace_share: our part of the pace at which a fleet that was held back comes back.
        spread_hold: tells the rest of the fleet that a 429 holds it back.
        shared_token: where the fleet's token comes from, for a profile that shares one; None for a source of our own.
    """

    def __init__(
        self,
        environment: Environment,
        profile: Profile,
        account: Account,
        *,
        slots: Sequence[int],
        shared_token: TokenSource | None = None,
        pace_share: float = 1.0,
        spread_hold: Callable[[str, float], None] | None = None,
    ) -> None:
        self.profile = profile
        self.schedule = profile.schedule()
        self.recorder = Recorder(environment.events.request, telemetry_of(environment))
        self._slots = deque(slots)
        self._phones: list[Softphone] = []
        self._released: set[int] = set()
        self._unfinished = len(slots)
        self._addresses = len(account.hosts.streaming.addresses)
        self._epoch_s = time.perf_counter()
        self._begun = Event()
        self.stopped = False
        shares_token, asks_master = profile.softphone.token == "shared", shared_token is not None
        beyond_each = profile.attempts_beyond_plan() / profile.users
        self._budget_each = beyond_each * (1 - MASTER_BUDGET_PART) if shares_token and asks_master else beyond_each
        fleets_token = 1 if shares_token and not asks_master else 0
        chance, retry = random.Random(), profile.softphone.retry
        self.shared_backoff = (
            SharedBackoff(self.clock, retry.pace_per_s * pace_share, spread_hold) if retry.scope == "fleet" else None
        )
        self.context = SoftphoneContext(
            behaviour=profile.softphone,
            dialect=dialect_for(
                profile.dialect,
                account,
                timeout_s=profile.softphone.timeout_s,
                user_agent=f"locust-softphone/{__version__}",
                random=chance,
            ),
            observer=self.recorder,
            shared_token=(shared_token or SharedToken(self.clock)) if shares_token else None,
            shared_backoff=self.shared_backoff,
            budget=RetryBudget(self._budget_each * len(slots) + fleets_token),
            clock=self.clock,
            sleep=gevent.sleep,
            random=chance,
            end_s=profile.duration_s,
            goodbye_s=0.0,
        )
        self._judged_by = Tally()
        self._allow_goodbyes()

    def clock(self) -> float:
        """Seconds since the plan's start on this process; negative before it."""
        return time.perf_counter() - self._epoch_s

    def begin(self, in_s: float) -> None:
        """Fix the plan's start, ``in_s`` seconds from now."""
        self._epoch_s = time.perf_counter() + in_s
        _collect_garbage_rarely()
        self._begun.set()
        gevent.spawn(monitor_event_loop, self._tally, self.clock, self._is_over, self._allow_goodbyes)
        gevent.spawn(sample_connections, self._phones, self._tally, self.clock, self._is_over)

    def _tally(self) -> Tally:
        return self.recorder.tally

    def _is_over(self) -> bool:
        return self.over or self.stopped

    def shortages(self) -> list[str]:
        """Why this process has not the descriptors or ports for its generator, if it has not."""
        return shortages(
            self._unfinished,
            at_once=min(self.schedule.peak_starts_per_s(), self._unfinished),
            addresses=self._addresses,
            descriptors=raise_descriptor_limit(),
        )

    def take_slot(self) -> Softphone | None:
        """The next softphone of our generator, or None when all slots are taken: such a user has nothing to do."""
        if not self._slots:
            return None
        number = self._slots.popleft()
        self._phones.append(Softphone(self.context, number, self.schedule.start_time(number)))
        return self._phones[-1]

    def wait_until_planned_start(self, softphone: Softphone) -> bool:
        """Wait until the plan has begun and the softphone's own instant has come.

        Returns:
            Whether it may start: a worker that joined late may serve the slot instead, and a process that comes to it
            only when the plan is over leaves it, lest a late generator go on when its run should have ended.
        """
        self._begun.wait()
        gevent.sleep(max(softphone.planned_s - self.clock(), 0.0))
        if softphone.number in self._released:
            return False
        if self.clock() >= self.context.end_s:
            self.done()
            return False
        return True

    def add(self, slots: Sequence[int]) -> None:
        """Serve these slots too; there must be a user more for each."""
        self._slots.extend(slots)
        self._unfinished += len(slots)
        self.context.budget.move(self._budget_each * len(slots))

    def release(self, slots: Sequence[int]) -> None:
        """Do not serve these slots: another process does."""
        self._released.update(slots)
        self._unfinished -= len(slots)
        self.context.budget.move(-self._budget_each * len(slots))

    def crashed(self) -> None:
        """A softphone's script has raised: a bug in it or in ours, and what it left undone nobody has measured."""
        self.recorder.count("crashed", self.clock())

    def done(self) -> None:
        """A softphone of ours has lived its life."""
        self._unfinished -= 1

    @property
    def over(self) -> bool:
        """Whether all our softphones are done, or the plan's end is so long past that they are not waited for."""
        if not self._begun.is_set():
            return False
        return self._unfinished <= 0 or self.clock() > self.context.end_s + self.context.goodbye_s

    def take(self) -> Tally:
        """What was measured since the last time; all that was measured so far still judges whether we are saturated."""
        taken = self.recorder.take()
        self._judged_by.merge(judged_by(taken))
        return taken

    def _allow_goodbyes(self) -> None:
        """Time for saying bye after the plan's end; a saturated generator would only make its lateness longer."""
        so_far = judged_by(self.recorder.tally)
        so_far.merge(self._judged_by)
        self.context.goodbye_s = 0.0 if saturation(so_far) else _HANG_UP_S + _HANG_UP_EACH_S * self._unfinished

    def stop(self, users: Group) -> None:
        """Stop now: everybody hangs up, and is cut off who has not when the time for goodbyes is over."""
        gc.unfreeze()
        self.stopped = True
        self.context.end_s = min(self.context.end_s, self.clock())
        if self.context.goodbye_s:
            users.kill(block=True, timeout=self.context.goodbye_s)
        users.kill(block=True, timeout=_CUT_OFF_S)


def _collect_garbage_rarely() -> None:
    """Leave the users, who are all there, out of garbage collection, and let the rest wait longer for it.

    5,000 waiting softphones are some 200,000 objects; to walk through them all stops everybody for 130 ms (measured).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
