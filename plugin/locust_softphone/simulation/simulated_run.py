"""One simulated run: the softphones of a profile against the model of an edge.

    start n ──► the calls of the profile, in a greenlet ──► parked ──► resumed if the edge drops the connection
                                                        │     ├── it leaves before the plan's end ──► hangs up
                                                        │     └── the plan's end ──► hangs up
                                                        └──► without a connection: released

A parked softphone has no greenlet, so a million of them fit in memory. One that has hung up, or has given up, is
released at once. After the plan's end softphones no longer affect
each other, so they hang up one by one, each from the same instant. The seed makes jitter, and the phase of limits that
are aligned to the wall clock. The same seed gives the same measurements.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import NamedTuple

import greenlet

from locust_softphone.config.policy import Policy
from locust_softphone.config.profile import Profile
from locust_softphone.config.sip_settings import ANOTHER_SOFTPHONE
from locust_softphone.errors import InputError
from locust_softphone.metrics.run_so_far import RunSoFar
from locust_softphone.metrics.tally import Tally
from locust_softphone.retry.budget import RetryBudget
from locust_softphone.runs.tally_observer import TallyObserver
from locust_softphone.signaling.context import SoftphoneContext, goodbye_s
from locust_softphone.signaling.dialect import Dialect
from locust_softphone.signaling.shared_backoff import SharedBackoff
from locust_softphone.signaling.softphone import Softphone
from locust_softphone.signaling.token import SharedToken
from locust_softphone.simulation.edge_model import EdgeModel
from locust_softphone.simulation.network_model import Network, NetworkModel
from locust_softphone.simulation.virtual_dialect import VirtualMediaOffer, VirtualSession, VirtualWire
from locust_softphone.simulation.virtual_genesys_cloud import VirtualGenesysCloud
from locust_softphone.simulation.virtual_sip import VirtualSip
from locust_softphone.simulation.virtual_time import VirtualLock, VirtualTime
from locust_softphone.simulation.young_garbage import only_young_garbage

__all__ = ["CHECKS", "SimulatedRun", "Surroundings"]

CHECKS = 60
"""How often in a plan a run can be stopped."""


_DIALECTS: Mapping[str, Callable[[VirtualWire], Dialect]] = {
    each.name: each for each in (VirtualMediaOffer, VirtualGenesysCloud, VirtualSip)
}


def _dialect_for(name: str) -> Callable[[VirtualWire], Dialect]:
    """What makes the dialect in virtual time.

    Raises:
        InputError: there is no model of it.
    """
    if name not in _DIALECTS:
        raise InputError(f"the dialect {name} cannot be simulated; there are {', '.join(_DIALECTS)}")
    return _DIALECTS[name]


_NOTICE_S = 1e-6
"""Long enough for a softphone that holds to notice that its connection has dropped."""
_EPOCH_S = 1_800_000_000.0


@dataclass(frozen=True)
class Surroundings:
    """What a simulated run depends on besides its profile.

    Args:
        policy: the edge's.
        network: how long messages take.
        seed: of everything that is random.
    """

    policy: Policy
    network: NetworkModel = NetworkModel()  # noqa: RUF009 - frozen
    seed: int = 0


class _Now(NamedTuple):
    """How many softphones are connected and in a call."""

    connected: int
    in_call: int

    def plus(self, other: _Now, times: int = 1) -> _Now:
        return _Now(self.connected + times * other.connected, self.in_call + times * other.in_call)


class _Ended(BaseException):
    """The run is over: whatever a softphone waits for, it hangs up."""


class SimulatedRun:
    """One run in virtual time.

    Args:
        profile: what the softphones do.
        surroundings: the edge, the network and the seed.

    Raises:
        InputError: the policy has something that cannot be simulated.
    """

    def __init__(self, profile: Profile, surroundings: Surroundings) -> None:
        if profile.sip is not None and profile.sip.call == ANOTHER_SOFTPHONE:
            raise InputError(
                f"sip.call: {ANOTHER_SOFTPHONE}: calls between softphones cannot be simulated; call a number"
            )
        if surroundings.policy.genesys_cloud.inbound_calls is not None:
            raise InputError("genesys_cloud.inbound_calls: calls from outside cannot be simulated; take them out")
        self.observer = TallyObserver()
        self.profile = profile
        self._schedule = profile.schedule()
        self._time = VirtualTime()
        self._rng = Random(surroundings.seed)
        epoch_s = -_EPOCH_S - self._rng.random() * 86_400
        self.edge = EdgeModel(surroundings.policy, self._time, epoch_s)
        self.context = self._make_context(surroundings)
        self._active: dict[Softphone, greenlet.greenlet] = {}
        self._parked: dict[Softphone, _Now] = {}
        self._parked_now = _Now(0, 0)

    def go(self, stop: Callable[[float], bool] = lambda now_s: False) -> bool:
        """Do the run.

        Args:
            stop: asked ``CHECKS`` times in the plan, with the instant, whether the rest does not matter.

        Returns:
            Whether it was done to its end.
        """
        self._start_next(enumerate(self._schedule))
        for second in range(int(self.context.end_s) + 1):
            self._time.call_at(second + 1.0, partial(self._sample_connections, second))
        with only_young_garbage():
            return self._go_to_end(stop)

    def _go_to_end(self, stop: Callable[[float], bool]) -> bool:
        end_s = self.context.end_s
        for check in range(1, CHECKS + 1):
            until_s = end_s * check / CHECKS
            self._time.run(until_s)
            if stop(until_s):
                return False
        self._hang_up()
        return True

    @property
    def tally(self) -> Tally:
        """Everything that was measured."""
        return self.observer.tally

    @property
    def ended_s(self) -> float:
        """When the run ends, in seconds since the plan's start."""
        return self.context.end_s + self.context.goodbye_s

    def so_far(self, until_s: float) -> RunSoFar:
        """What has been measured up to an instant."""
        profile = self.profile
        return RunSoFar([self.tally], profile.dialect, profile.users, profile.softphone.calls.count, until_s)

    def _make_context(self, surroundings: Surroundings) -> SoftphoneContext:
        profile, clock = self.profile, self._time.clock
        behaviour = profile.softphone
        wire = VirtualWire(
            self._time,
            self.edge,
            Network(surroundings.network, clock, self._rng),
            timeout_s=behaviour.timeout_s,
            reads_advice=behaviour.retry.remaining == "honour",
        )
        shared = behaviour.token == "shared"
        return SoftphoneContext(
            behaviour=behaviour,
            dialect=_dialect_for(profile.dialect)(wire),
            observer=self.observer,
            shared_token=SharedToken(clock, VirtualLock(self._time)) if shared else None,
            shared_backoff=(SharedBackoff(clock, behaviour.retry.pace_per_s) if behaviour.retry.pauses_fleet else None),
            budget=RetryBudget(profile.attempts_beyond_plan() + shared),
            clock=clock,
            sleep=self._time.sleep,
            random=self._rng,
            end_s=profile.duration_s,
            goodbye_s=goodbye_s(profile.users),
        )

    # The softphones.

    def _start_next(self, starts: Iterator[tuple[int, float]]) -> None:
        """Put the next planned start into the queue; each start does so for the one after it."""
        following = next(starts, None)
        if following is not None:
            self._time.call_at(following[1], partial(self._start, *following, starts))

    def _start(self, number: int, start_s: float, starts: Iterator[tuple[int, float]]) -> None:
        self._start_next(starts)
        if start_s < self.context.end_s:
            leaves_s = self._schedule.leave_time(number, self.context.end_s)
            phone = Softphone(self.context, number, start_s, leaves_s)
            phone.start()
            if leaves_s < self.context.end_s:
                self._time.call_at(leaves_s, partial(self._leave, phone))
            self._go_on(phone, phone.make_calls)

    def _go_on(self, phone: Softphone, act: Callable[[], None]) -> None:
        """Let a softphone act, and park it when it is done."""

        def live() -> None:
            with suppress(_Ended):
                act()
                if phone.leaves_s <= self._time.now_s < self.context.end_s:
                    phone.hang_up()
            if phone.cut_short and act == phone.make_calls:
                self.tally.count("scripts_cut_short", self._time.now_s)
            del self._active[phone]
            self._park_or_release(phone)

        self._active[phone] = self._time.greenlet(live)
        self._active[phone].switch()

    def _park_or_release(self, phone: Softphone) -> None:
        if self._time.now_s >= self.context.end_s:
            self._time.run_alone(phone.hang_up, self._time.now_s)
        if phone.session is None:
            phone.release()
            return
        self._parked[phone] = now = _Now(phone.connected, phone.in_call)
        self._parked_now = self._parked_now.plus(now)
        session = phone.session
        if isinstance(session, VirtualSession):
            session.when_lost(partial(self._resume, phone))

    def _resume(self, phone: Softphone) -> None:
        """A parked softphone's connection has dropped: it reacts as one that holds."""
        if (was := self._parked.pop(phone, None)) is not None:
            self._parked_now = self._parked_now.plus(was, -1)
            self._go_on(phone, partial(phone.hold, _NOTICE_S))

    def _leave(self, phone: Softphone) -> None:
        """A parked softphone leaves before the plan's end; one that is active hangs up when it notices."""
        if (was := self._parked.pop(phone, None)) is not None:
            self._parked_now = self._parked_now.plus(was, -1)
            self._go_on(phone, phone.hang_up)

    def _hang_up(self) -> None:
        """End the run: what is parked hangs up; what still waits for an answer may do so for a while."""
        end_s = self.context.end_s
        for phone in self._parked:
            self._time.run_alone(phone.hang_up, end_s)
            phone.release()
        self._parked.clear()
        self._time.run(end_s + self.context.goodbye_s)
        for waiting in tuple(self._active.values()):
            waiting.throw(_Ended)

    def _sample_connections(self, second: int) -> None:
        """Count how many softphones are connected, and how many are in a call, at the end of a second."""
        now = self._parked_now
        connected = now.connected + sum(phone.connected for phone in self._active)
        in_call = now.in_call + sum(phone.in_call for phone in self._active)
        for name, number in (("connected_now", connected), ("in_call_now", in_call)):
            if number:
                self.tally.timeline[second][name] += number
