"""``install(events)``: what the plugin does at each of Locust's events.

    init_command_line_parser   our options
    init                       check them; a coordinator, or on a worker a worker
    test_start                 reach the edge, generator out the plan
    spawning_complete          all users exist: the plan begins
    test_stopping              everybody hangs up, and what was measured comes in
    test_stop                  the record, the verdict
    quitting                   our section in Locust's report, the exit code

``quitting`` runs listeners last first, so one that is added here, before Locust's own, sees a run that has ended.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.event import Events
from locust.runners import WorkerRunner
from locust.web import WebUI

from locust_softphone.errors import InputError
from locust_softphone.swarm import locust_report, workarounds
from locust_softphone.swarm.cluster.worker import Worker
from locust_softphone.swarm.coordinator import RunCoordinator
from locust_softphone.swarm.options import add_options
from locust_softphone.swarm.signals import (
    stop_headless_run_on_signals,
    stop_web_ui_on_signals,
    stop_worker_on_signals,
)
from locust_softphone.swarm.state import BAD_INPUT, attach, attached_to
from locust_softphone.swarm.user import SoftphoneUser
from locust_softphone.swarm.web.pages import add_pages

__all__ = ["install"]

_NOT_VALID = 3


def install(events: Events) -> None:
    """Make a Locust run softphones; call it once, at the top of the locustfile.

    Args:
        events: ``locust.events``.
    """
    events.init_command_line_parser.add_listener(_on_parser)
    events.init.add_listener(_on_init)
    events.quitting.add_listener(_on_quitting)


def _on_parser(parser: LocustArgumentParser, **_: Any) -> None:
    add_options(parser)


def _on_init(environment: Environment, runner: Any, web_ui: WebUI | None, **_: Any) -> None:
    workarounds.apply()
    events = environment.events
    if isinstance(runner, WorkerRunner):
        worker = Worker(environment, runner)
        attach(environment, worker)
        events.test_start.add_listener(lambda **_: worker.start())
        stop_worker_on_signals()
        return
    with _exit_on_bad_input():
        coordinator = RunCoordinator(environment)
    attach(environment, coordinator)
    events.test_start.add_listener(lambda **_: coordinator.start() if _has_softphones(environment) else None)
    events.spawning_complete.add_listener(lambda **_: coordinator.begin())
    events.test_stopping.add_listener(lambda **_: coordinator.collect())
    events.test_stop.add_listener(lambda **_: coordinator.finish())
    locust_report.add_to_web_ui(environment, lambda: coordinator.last.result if coordinator.last else None)
    options = environment.parsed_options
    if options is not None and options.headless:
        with _exit_on_bad_input():
            coordinator.check()
        stop_headless_run_on_signals()
    else:
        stop_web_ui_on_signals()
    if web_ui is not None:
        add_pages(web_ui, coordinator)


def _has_softphones(environment: Environment) -> bool:
    """Whether there are softphones among the users: the web UI's class picker may have left them out."""
    return any(issubclass(each, SoftphoneUser) for each in environment.user_classes)


@contextmanager
def _exit_on_bad_input() -> Iterator[None]:
    try:
        yield
    except InputError as error:
        print(error, file=sys.stderr)
        sys.exit(BAD_INPUT)


def _on_quitting(environment: Environment, **_: Any) -> None:
    side = attached_to(environment)
    if not isinstance(side, RunCoordinator):
        return
    locust_report.add_to_file(environment, side.last.result if side.last else None)
    if side.exit_code is not None:
        environment.process_exit_code = side.exit_code
    elif environment.parsed_options is not None and environment.parsed_options.headless:
        environment.process_exit_code = _NOT_VALID  # stopped before there was anything to judge
