"""A worker's side of a run: it serves its slots of the plan and hands on what it measured."""

from __future__ import annotations

import logging
import time
from typing import Any

import gevent
from gevent.lock import RLock
from locust.env import Environment
from locust.runners import WorkerRunner

from locust_softphone import __version__
from locust_softphone.config.profile import Profile
from locust_softphone.errors import AttemptFailed, InputError
from locust_softphone.signaling.dialects import Account
from locust_softphone.signaling.dialects.genesys_cloud.users import User
from locust_softphone.signaling.hosts import Hosts
from locust_softphone.signaling.oauth import Credentials
from locust_softphone.swarm.cluster import messages
from locust_softphone.swarm.cluster.shared_token import RemoteToken
from locust_softphone.swarm.load.generator import LoadGenerator
from locust_softphone.swarm.load.sockets import reached
from locust_softphone.swarm.options import take_secret

__all__ = ["Worker"]

logger = logging.getLogger(__name__)

MASTER_SILENT_S = 5.0
"""A master that has been silent for so long is gone; Locust itself would wait for a minute."""
_TALLY_EVERY_S = 1.0
_NOT_VALID = 3


class Worker:
    """What the softphone plugin does on a worker.

    Args:
        environment: Locust's.
        runner: its runner.
    """

    def __init__(self, environment: Environment, runner: WorkerRunner) -> None:
        self.generator: LoadGenerator | None = None
        self._environment = environment
        self._runner = runner
        if environment.parsed_options is not None:
            take_secret(environment.parsed_options)  # a worker gets the client from the master
        self._heard_s = float("inf")  # of the master
        self._plan: messages.Plan | None = None
        self._token: RemoteToken | None = None
        self._stopping = RLock()
        handlers = {
            messages.PLAN: self._on_plan,
            messages.ECHO: self._on_echo,
            messages.BEGIN: self._on_begin,
            messages.TAKE: self._on_take,
            messages.RELEASE: self._on_release,
            messages.HOLD: self._on_hold,
            messages.TOKEN: self._on_token,
        }
        for name, handler in handlers.items():
            runner.register_message(name, handler)
        runner.register_message(messages.STOP, self._on_stop, concurrent=True)
        environment.events.quitting.add_listener(self._on_quitting)
        environment.events.heartbeat_received.add_listener(self._on_heartbeat)
        runner.send_message(messages.HERE, {"version": __version__})

    def start(self) -> None:
        """Locust's ``test_start``; a worker that joins late does it when the plan comes."""
        plan, self._plan = self._plan, None
        if plan is None:
            if self.generator is None:
                logger.error("no plan has come from the master: does it run locust_softphone too?")
            return
        parsed = self._environment.parsed_options
        try:
            ca_file = (parsed and parsed.softphone_ca) or None
            account = Account(
                Hosts.of_urls(plan.urls, ca_file=ca_file, authorized=plan.authorized),
                Credentials(plan.client_id, plan.client_secret),
                [User(**user) for user in plan.users],
                plan.call_to,
            ).reached(reached)
            profile = Profile.model_validate(plan.profile)
        except (InputError, AttemptFailed) as error:
            logger.error("%s: %s", plan.urls["api"], error)
            return
        generator = LoadGenerator(
            self._environment,
            profile,
            account,
            slots=plan.slots,
            shared_token=self._fleet_token(profile),
            pace_share=1 / plan.workers,
            spread_hold=lambda step, for_s: self._runner.send_message(messages.HOLD, {"step": step, "for_s": for_s}),
        )
        for shortage in generator.shortages():
            logger.error("%s", shortage)
        self.generator = generator

    def _fleet_token(self, profile: Profile) -> RemoteToken:
        self._token = RemoteToken(
            lambda rejected: self._runner.send_message(messages.WANT, {"rejected": rejected}),
            lambda: self.generator.clock() if self.generator else 0.0,
            profile.softphone.timeout_s,
        )
        return self._token

    # What the master says.

    def _on_plan(self, msg: Any, **_: Any) -> None:
        self.generator, self._plan = None, messages.Plan(**msg.data)

    def _on_echo(self, msg: Any, **_: Any) -> None:
        self._runner.send_message(messages.ECHO, msg.data)

    def _on_begin(self, msg: Any, **_: Any) -> None:
        if self._plan is not None:
            self.start()  # no users have been asked of a worker that joins late
        if self.generator is not None:
            self.generator.begin(msg.data["in_s"])
            gevent.spawn(self._look_after, self.generator)

    def _on_take(self, msg: Any, **_: Any) -> None:
        slots = msg.data["slots"]
        if self.generator is not None:
            self.generator.add(slots)
            self._runner.spawn_users({self._runner.user_classes[0].__name__: len(slots)})

    def _on_release(self, msg: Any, **_: Any) -> None:
        if self.generator is not None:
            self.generator.release(msg.data["slots"])

    def _on_hold(self, msg: Any, **_: Any) -> None:
        if self.generator is not None and self.generator.shared_backoff is not None:
            self.generator.shared_backoff.hold(msg.data["step"], msg.data["for_s"])

    def _on_token(self, msg: Any, **_: Any) -> None:
        if self._token is not None:
            self._token.answered(msg.data)

    def _on_heartbeat(self, **_: Any) -> None:
        self._heard_s = time.perf_counter()

    def _on_stop(self, environment: Environment, msg: Any) -> None:  # Locust 2.46 names none of them
        self._stop()

    def _stop(self) -> None:
        """Everybody hangs up, and what was measured is handed in."""
        with self._stopping:
            if self.generator is not None and not self.generator.stopped:
                self.generator.stop(self._runner.user_greenlets)
            self._runner.send_message(messages.DONE, self._take())

    def _on_quitting(self, **_: Any) -> None:
        """This worker leaves by itself: what it measured must not go with it.

        All processes of a closed terminal are told at once; a master that is quicker has told us to stop already.
        """
        with self._stopping:
            if self.generator is not None and not self.generator.stopped:
                self._stop()

    def _take(self) -> dict[str, Any]:
        if self.generator is None:
            return {}
        return {"until_s": self.generator.clock(), "tally": self.generator.take().to_plain()}

    # Meanwhile.

    def _look_after(self, generator: LoadGenerator) -> None:
        """Tell the master what is measured, and when all is over; stop when there is no master any more."""
        told, tallied_s = False, time.perf_counter()
        while self.generator is generator:
            gevent.sleep(0.1)
            if generator.stopped:
                break  # everybody is done, but the plan is not
            if time.perf_counter() - tallied_s > _TALLY_EVERY_S:
                tallied_s = time.perf_counter()
                self._runner.send_message(messages.TALLY, self._take())
            if generator.over != told:
                told = generator.over
                if told:
                    self._runner.send_message(messages.OVER, {})
            if time.perf_counter() - self._heard_s > MASTER_SILENT_S:
                logger.error("the master has been silent for %.0f s: everybody hangs up", MASTER_SILENT_S)
                generator.stop(self._runner.user_greenlets)
                self._environment.process_exit_code = _NOT_VALID
                self._runner.quit()
