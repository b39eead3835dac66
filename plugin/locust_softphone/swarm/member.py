"""A worker's side of a run: it serves its share of the plan and hands on what it measured."""

from __future__ import annotations

import logging
from typing import Any

import gevent
from locust.env import Environment
from locust.runners import WorkerRunner

from locust_softphone import __version__
from locust_softphone.errors import AttemptFailed, InputError
from locust_softphone.profile import Profile
from locust_softphone.signaling.stream import Target
from locust_softphone.swarm import messages
from locust_softphone.swarm.options import credentials
from locust_softphone.swarm.share import Share

__all__ = ["Member"]

logger = logging.getLogger(__name__)


class Member:
    """What the softphone plugin does on a worker.

    Args:
        environment: Locust's.
        runner: its runner.
    """

    def __init__(self, environment: Environment, runner: WorkerRunner) -> None:
        self.share: Share | None = None
        self._environment = environment
        self._runner = runner
        self._plan: messages.Plan | None = None
        runner.register_message(messages.PLAN, self._on_plan)
        runner.register_message(messages.BEGIN, self._on_begin)
        runner.register_message(messages.STOP, self._on_stop, concurrent=True)
        environment.events.report_to_master.add_listener(self._on_report)

    def start(self) -> None:
        """Locust's ``test_start``: the options have come, the plan came before them."""
        plan, self.share = self._plan, None
        if plan is None or self._environment.parsed_options is None:
            logger.error("no plan has come from the master: does it run locust_softphone too?")
            return
        if plan.version != __version__:
            logger.error("the master runs locust-softphone %s, this worker %s", plan.version, __version__)
            return
        parsed = self._environment.parsed_options
        try:
            self.share = Share(
                self._environment,
                Profile.model_validate(plan.profile),
                Target.parse(plan.url, ca_file=parsed.softphone_ca or None).reached(timeout_s=5),
                credentials(parsed),
                offset=plan.offset,
                stride=plan.stride,
            )
        except (InputError, AttemptFailed) as error:
            logger.error("%s: %s", plan.url, error)
            return
        for shortage in self.share.shortages():
            logger.error("%s", shortage)

    def _on_plan(self, msg: Any, **_: Any) -> None:
        self._plan = messages.Plan(**msg.data)

    def _on_begin(self, msg: Any, **_: Any) -> None:
        if self.share is not None:
            self.share.begin(msg.data["in_s"])
            gevent.spawn(self._tell_when_over, self.share)

    def _tell_when_over(self, share: Share) -> None:
        while not share.over:
            gevent.sleep(0.1)
        self._runner.send_message(messages.OVER, {})

    def _on_stop(self, **_: Any) -> None:
        if self.share is not None:
            self.share.stop(self._runner.user_greenlets)
        self._runner.send_message(messages.DONE, self._take())

    def _on_report(self, data: dict[str, Any], **_: Any) -> None:
        data[messages.REPORT_KEY] = self._take()

    def _take(self) -> dict[str, Any]:
        return self.share.recorder.take().to_plain() if self.share else {}
