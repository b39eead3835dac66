"""``install(events)``: what the plugin does at each of Locust's events.

    init_command_line_parser   add our options
    init                       make this process a coordinator, or on a Locust worker a worker
    test_start                 prepare the run; on a worker, make its generator
    spawning_complete          all users exist: fix the plan's start
    test_stopping              all hang up, and the rest of the measurements comes in
    test_stop                  judge the run and save its record
    quitting                   add our section to Locust's report, set the exit code

``quitting`` calls its listeners last first. Ours is added before Locust's own, so it runs when the run has ended.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from locust.env import Environment
from locust.event import EventHook, Events
from locust.runners import WorkerRunner
from locust.web import WebUI

from locust_softphone.errors import ExitCode, InputError
from locust_softphone.signaling.core_dumps import switch_off_core_dumps
from locust_softphone.swarm import locust_report, workarounds
from locust_softphone.swarm.cluster.worker import Worker
from locust_softphone.swarm.coordinator import RunCoordinator
from locust_softphone.swarm.locust_options import add_options
from locust_softphone.swarm.option_list import as_typed
from locust_softphone.swarm.parent_process import end_with_parent
from locust_softphone.swarm.signals import (
    stop_headless_run_on_signals,
    stop_web_ui_on_signals,
    stop_worker_on_signals,
)
from locust_softphone.swarm.state import attach, role_of
from locust_softphone.swarm.user import SoftphoneUser
from locust_softphone.swarm.web.pages import add_pages

__all__ = ["install"]


def install(events: Events) -> None:
    """Make Locust run softphones; call it once, at the top of the locustfile.

    Args:
        events: ``locust.events``.
    """
    end_with_parent()
    switch_off_core_dumps()
    events.init_command_line_parser.add_listener(lambda parser, **_: add_options(parser))
    events.init.add_listener(_on_init)
    events.quitting.add_listener(_on_quitting)


def _on_init(environment: Environment, runner: Any, web_ui: WebUI | None, **_: Any) -> None:
    workarounds.apply()
    with _exit_on_errors():
        if isinstance(runner, WorkerRunner):
            _become_worker(environment, runner)
        else:
            _become_coordinator(environment, web_ui)


def _become_worker(environment: Environment, runner: WorkerRunner) -> None:
    worker = Worker(environment, runner)
    attach(environment, worker)
    worker.register()
    environment.events.test_start.add_listener(lambda **_: worker.start())
    stop_worker_on_signals()


def _become_coordinator(environment: Environment, web_ui: WebUI | None) -> None:
    coordinator = RunCoordinator(environment)
    attach(environment, coordinator)
    coordinator.register()
    events = environment.events

    def on(event: EventHook, act: Callable[[], None]) -> None:
        """Locust logs what a listener raises, and goes on: a run whose start has failed would wait for ever."""

        def listener(**_: Any) -> None:
            with coordinator.failing():
                act()

        event.add_listener(listener)

    on(events.test_start, lambda: coordinator.start() if _has_softphones(environment) else None)
    on(events.spawning_complete, coordinator.begin)
    on(events.test_stopping, coordinator.collect)
    on(events.test_stop, coordinator.finish)
    locust_report.add_to_web_ui(environment, lambda: coordinator.last_result)
    if environment.parsed_options is not None and environment.parsed_options.headless:
        coordinator.check()
        assert environment.runner is not None
        stop_headless_run_on_signals(environment.runner, lambda: coordinator.is_ending)
    else:
        stop_web_ui_on_signals()
    if web_ui is not None:
        add_pages(web_ui, coordinator)


def _has_softphones(environment: Environment) -> bool:
    """Whether there are softphones among the users: the web UI's class picker may have left them out."""
    return any(issubclass(each, SoftphoneUser) for each in environment.user_classes)


@contextmanager
def _exit_on_errors() -> Iterator[None]:
    """Exit instead of raising: Locust would go on without the plugin."""
    try:
        yield
    except InputError as error:
        print(as_typed(str(error)), file=sys.stderr)
        sys.exit(ExitCode.BAD_INPUT)
    except Exception:
        traceback.print_exc()
        sys.exit(ExitCode.INVALID)


def _on_quitting(environment: Environment, **_: Any) -> None:
    coordinator = role_of(environment)
    if not isinstance(coordinator, RunCoordinator):
        return
    if coordinator.exit_code is not None:
        environment.process_exit_code = coordinator.exit_code
    elif environment.parsed_options is not None and environment.parsed_options.headless:
        environment.process_exit_code = ExitCode.INVALID  # stopped before there was anything to judge
    locust_report.add_to_file(environment, coordinator.last_result)
