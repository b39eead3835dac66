"""The share of the plan that this process serves: softphones offset, offset + stride, …, and what they measured.

    users are made ahead ──► each takes a place, waits for begin() ──► then for its own instant ──► lives ──► is done

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
from locust_softphone.measure import Tally
from locust_softphone.profile import Profile
from locust_softphone.report.saturation import judged_by, saturation
from locust_softphone.retry_budget import RetryBudget
from locust_softphone.signaling.dialects import Account, dialect_for
from locust_softphone.signaling.fleet import Fleet
from locust_softphone.signaling.hold_back import HoldBack
from locust_softphone.signaling.softphone import Softphone
from locust_softphone.signaling.token import SharedToken, TokenSource
from locust_softphone.swarm.fleet_token import DESK_PART
from locust_softphone.swarm.limits import raise_descriptor_limit, shortages
from locust_softphone.swarm.presence import take_presence
from locust_softphone.swarm.recorder import Recorder
from locust_softphone.swarm.telemetry import telemetry_of
from locust_softphone.swarm.watch import watch

__all__ = ["Share"]

_HANG_UP_S = 1.0
_HANG_UP_EACH_S = 0.0002
_CUT_OFF_S = 30.0


class Share:
    """The softphones of one process in one run.

    Args:
        environment: Locust's.
        profile: what to do.
        account: the edge, and who the softphones are to it.
        places: our places in the plan, in their order.
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
        places: Sequence[int],
        shared_token: TokenSource | None = None,
        pace_share: float = 1.0,
        spread_hold: Callable[[str, float], None] | None = None,
    ) -> None:
        self.profile = profile
        self.schedule = profile.schedule()
        self.recorder = Recorder(environment.events.request, telemetry_of(environment))
        self._places = deque(places)
        self._phones: list[Softphone] = []
        self._released: set[int] = set()
        self._unfinished = len(places)
        self._addresses = len(account.hosts.streaming.addresses)
        self._epoch_s = time.perf_counter()
        self._begun = Event()
        self.stopped = False
        shares_token, asks_master = profile.softphone.token == "shared", shared_token is not None
        beyond_each = profile.attempts_beyond_plan() / profile.users
        self._budget_each = beyond_each * (1 - DESK_PART) if shares_token and asks_master else beyond_each
        fleets_token = 1 if shares_token and not asks_master else 0
        chance, retry = random.Random(), profile.softphone.retry
        self.hold_back = (
            HoldBack(self.clock, retry.pace_per_s * pace_share, spread_hold) if retry.scope == "fleet" else None
        )
        self.fleet = Fleet(
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
            hold_back=self.hold_back,
            budget=RetryBudget(self._budget_each * len(places) + fleets_token),
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
        gevent.spawn(watch, self._tally, self.clock, self._is_over, self._allow_goodbyes)
        gevent.spawn(take_presence, self._phones, self._tally, self.clock, self._is_over)

    def _tally(self) -> Tally:
        return self.recorder.tally

    def _is_over(self) -> bool:
        return self.over or self.stopped

    def shortages(self) -> list[str]:
        """Why this process has not the descriptors or ports for its share, if it has not."""
        return shortages(
            self._unfinished,
            at_once=min(self.schedule.peak_starts_per_s(), self._unfinished),
            addresses=self._addresses,
            descriptors=raise_descriptor_limit(),
        )

    def take_place(self) -> Softphone | None:
        """The next softphone of our share, or None when all places are taken: such a user has nothing to do."""
        if not self._places:
            return None
        number = self._places.popleft()
        self._phones.append(Softphone(self.fleet, number, self.schedule.start_time(number)))
        return self._phones[-1]

    def wait_for_turn(self, softphone: Softphone) -> bool:
        """Wait until the plan has begun and the softphone's own instant has come.

        Returns:
            Whether it may start: a worker that joined late may serve the place instead, and a process that comes to it
            only when the plan is over leaves it, lest a late generator go on when its run should have ended.
        """
        self._begun.wait()
        gevent.sleep(max(softphone.planned_s - self.clock(), 0.0))
        if softphone.number in self._released:
            return False
        if self.clock() >= self.fleet.end_s:
            self.done()
            return False
        return True

    def add(self, places: Sequence[int]) -> None:
        """Serve these places too; there must be a user more for each."""
        self._places.extend(places)
        self._unfinished += len(places)
        self.fleet.budget.move(self._budget_each * len(places))

    def release(self, places: Sequence[int]) -> None:
        """Do not serve these places: another process does."""
        self._released.update(places)
        self._unfinished -= len(places)
        self.fleet.budget.move(-self._budget_each * len(places))

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
        return self._unfinished <= 0 or self.clock() > self.fleet.end_s + self.fleet.goodbye_s

    def take(self) -> Tally:
        """What was measured since the last time; all that was measured so far still judges whether we are saturated."""
        taken = self.recorder.take()
        self._judged_by.merge(judged_by(taken))
        return taken

    def _allow_goodbyes(self) -> None:
        """Time for saying bye after the plan's end; a saturated generator would only make its lateness longer."""
        so_far = judged_by(self.recorder.tally)
        so_far.merge(self._judged_by)
        self.fleet.goodbye_s = 0.0 if saturation(so_far) else _HANG_UP_S + _HANG_UP_EACH_S * self._unfinished

    def stop(self, users: Group) -> None:
        """Stop now: everybody hangs up, and is cut off who has not when the time for goodbyes is over."""
        gc.unfreeze()
        self.stopped = True
        self.fleet.end_s = min(self.fleet.end_s, self.clock())
        if self.fleet.goodbye_s:
            users.kill(block=True, timeout=self.fleet.goodbye_s)
        users.kill(block=True, timeout=_CUT_OFF_S)


def _collect_garbage_rarely() -> None:
    """Leave the users, who are all there, out of garbage collection, and let the rest wait longer for it.

    5,000 waiting softphones are some 200,000 objects; to walk through them all stops everybody for 130 ms (measured).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
