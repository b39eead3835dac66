"""The worker's end of a run: it serves its slots of the plan and reports what it measured."""

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
from locust_softphone.errors import AttemptFailed, ExitCode, InputError
from locust_softphone.signaling.account import Account
from locust_softphone.signaling.dialects.genesys_cloud.users import User
from locust_softphone.signaling.hosts import Hosts
from locust_softphone.signaling.oauth import Credentials
from locust_softphone.signaling.source_addresses import SourceAddresses
from locust_softphone.swarm.cluster.loopback import loopback_id
from locust_softphone.swarm.cluster.messages import MessageType, Plan
from locust_softphone.swarm.cluster.shared_token import RemoteToken
from locust_softphone.swarm.load.generator import LoadGenerator
from locust_softphone.swarm.load.lease import Lease
from locust_softphone.swarm.load.sockets import reached
from locust_softphone.swarm.secret_option import take_secret

__all__ = ["Worker"]

logger = logging.getLogger(__name__)

MASTER_SILENT_S = 5.0
"""A master that has been silent for so long is gone; Locust itself would wait for a minute."""
_LONGEST_PROBLEM = 500
_REPORT_EVERY_S = 1.0
_CHECK_EVERY_S = 0.1
_CHECKS_UNHEARD = round(MASTER_SILENT_S / _CHECK_EVERY_S)
"""Checks are counted, not seconds: while this process stood still, the master can have spoken."""


class Worker:
    """The softphone plugin on a worker.

    Args:
        environment: Locust's.
        runner: its runner.
    """

    def __init__(self, environment: Environment, runner: WorkerRunner) -> None:
        self.generator: LoadGenerator | None = None
        self._environment = environment
        self._runner = runner
        self._run_id = ""
        self._lease = Lease()
        self._checks_unheard = 0
        self._plan: Plan | None = None
        self._token: RemoteToken | None = None
        self._stop_lock = RLock()
        self._sources = ""

    def register(self) -> None:
        """Handle the master's messages from now on, and report to it."""
        parsed = self._environment.parsed_options
        if parsed is not None:
            take_secret(parsed)  # the plan brings the credentials
            self._sources = parsed.softphone_source_address  # this machine's, before the master's options replace it
        for kind in ("PLAN", "ECHO", "BEGIN", "ADD_SLOTS", "RELEASE_SLOTS", "BACK_OFF", "TOKEN_REPLY"):
            self._runner.register_message(MessageType[kind], self._on_message)
        self._runner.register_message(MessageType.STOP, self._on_message, concurrent=True)
        self._environment.events.quitting.add_listener(self._on_quitting)
        self._environment.events.heartbeat_received.add_listener(self._on_heartbeat)
        self._runner.send_message(MessageType.JOINED, {"version": __version__, "loopback": loopback_id()})

    def start(self) -> None:
        """Make the generator: at Locust's ``test_start``, or at BEGIN on a worker that joins during the run."""
        plan, self._plan = self._plan, None
        if plan is None:
            if self.generator is None:
                logger.error("no plan has come from the master: does it run locust_softphone too?")
            return
        try:
            profile, account = Profile.model_validate(plan.profile), self._account(plan)
        except (InputError, AttemptFailed) as error:
            self._cannot(f"{plan.urls['api']}: {error}")
            return
        self._token = RemoteToken(
            lambda rejected: self._send(MessageType.TOKEN_REQUEST, {"rejected": rejected}),
            lambda: self.generator.clock() if self.generator else 0.0,
            profile.softphone.timeout_s,
        )
        generator = LoadGenerator(
            self._environment,
            profile,
            account,
            slots=plan.slots,
            shared_token=self._token,
            lease=self._lease,
            pace_share=1 / plan.workers,
            spread_back_off=lambda step, for_s: self._send(MessageType.BACK_OFF, {"step": step, "for_s": for_s}),
        )
        try:
            generator.prepare()
        except InputError as error:
            self._cannot(*error.problems)  # the run begins all the same
        self.generator = generator
        gevent.spawn(self._watch_master, generator)

    def _account(self, plan: Plan) -> Account:
        """The edge with its addresses looked up here, and who the softphones are to it."""
        parsed = self._environment.parsed_options
        ca_file = (parsed and parsed.softphone_ca) or None
        sources = SourceAddresses.parse(self._sources, "--softphone-source-address") if self._sources else None
        return Account(
            Hosts.of_urls(plan.urls, ca_file=ca_file, authorized=plan.authorized),
            Credentials(**plan.credentials),
            [User(**user) for user in plan.users],
            plan.call_to,
        ).reached(lambda target: reached(target.sent_from(sources)))

    def _on_message(self, environment: Environment, msg: Any) -> None:
        """Handle the master's messages; those of an earlier run are ignored."""
        data, generator = msg.data, self.generator
        if msg.type == MessageType.PLAN:
            self.generator, self._plan, self._run_id = None, Plan(**data), data["run"]
        elif data["run"] == self._run_id:
            self._receive(msg.type, data, generator)

    def _receive(self, kind: str, data: dict[str, Any], generator: LoadGenerator | None) -> None:
        match kind:
            case MessageType.ECHO:
                self._lease.renew(data["sent_s"])
                self._send(MessageType.ECHO, data)
            case MessageType.BEGIN:
                self._begin(data["in_s"])
            case MessageType.STOP:
                self._stop()
            case MessageType.TOKEN_REPLY if self._token is not None:
                self._token.receive(data)
            case MessageType.ADD_SLOTS if generator is not None:
                generator.add(data["slots"])
                self._runner.spawn_users({self._runner.user_classes[0].__name__: len(data["slots"])})
            case MessageType.RELEASE_SLOTS if generator is not None:
                generator.release(data["slots"])
            case MessageType.BACK_OFF if generator is not None and generator.shared_backoff is not None:
                generator.shared_backoff.hold(data["step"], data["for_s"])

    def _send(self, kind: MessageType, data: dict[str, Any]) -> None:
        self._runner.send_message(kind, {**data, "run": self._run_id})

    def _cannot(self, *problems: str) -> None:
        """Say here and to the master why this worker cannot do its part; the run is then not valid."""
        for problem in problems:
            logger.error("%s", problem)
        self._send(MessageType.CANNOT, {"problems": [problem[:_LONGEST_PROBLEM] for problem in problems]})

    def _begin(self, in_s: float) -> None:
        if self._plan is not None:
            self.start()  # a worker that joins during the run has had no test_start
        if self.generator is not None:
            self.generator.begin(in_s)
            gevent.spawn(self._report, self.generator)
        else:  # it cannot do its part: nobody has to wait for it
            self._send(MessageType.FINISHED, {})

    def _on_heartbeat(self, **_: Any) -> None:
        self._checks_unheard = 0

    def _stop(self) -> None:
        """Hang up all softphones and report the rest of what was measured."""
        with self._stop_lock:
            if self.generator is not None and not self.generator.stopped:
                self.generator.stop()
            self._send(MessageType.STOPPED, self._tally())

    def _on_quitting(self, **_: Any) -> None:
        """Report before this worker leaves by itself.

        A closed terminal signals all processes at once; a master that is faster has sent STOP already.
        """
        with self._stop_lock:
            if self.generator is not None and not self.generator.stopped:
                self._stop()

    def _tally(self) -> dict[str, Any]:
        """What was measured since the last report, and up to when."""
        if self.generator is None:
            return {}
        return {"until_s": self.generator.clock(), "tally": self.generator.take().to_plain()}

    def _report(self, generator: LoadGenerator) -> None:
        """Send a tally each second, and FINISHED when all are done."""
        finished, reported_s = False, time.perf_counter()
        while self.generator is generator:
            gevent.sleep(_CHECK_EVERY_S)
            if generator.stopped:
                break
            if time.perf_counter() - reported_s > _REPORT_EVERY_S:
                reported_s = time.perf_counter()
                self._send(MessageType.TALLY, self._tally())
            if generator.over != finished:  # added slots can make it unfinished again
                finished = generator.over
                if finished:
                    self._send(MessageType.FINISHED, {})

    def _watch_master(self, generator: LoadGenerator) -> None:
        """Hang up and leave if the master is gone: from the moment a plan is here, also if BEGIN never comes."""
        self._checks_unheard = 0
        while self.generator is generator and not generator.stopped:
            gevent.sleep(_CHECK_EVERY_S)
            self._checks_unheard += 1
            if self._checks_unheard > _CHECKS_UNHEARD:
                logger.error("the master has been silent for %.0f s: all softphones hang up", MASTER_SILENT_S)
                self._environment.process_exit_code = ExitCode.INVALID
                generator.stop()
                self._runner.quit()
