"""The role of this process in its runs, kept with Locust's environment: a coordinator, or one of its workers."""

from __future__ import annotations

import logging

from locust.env import Environment

from locust_softphone.errors import ExitCode
from locust_softphone.swarm.cluster.worker import Worker
from locust_softphone.swarm.coordinator import RunCoordinator

__all__ = ["attach", "role_of"]

logger = logging.getLogger(__name__)

_ATTRIBUTE = "softphone"


def attach(environment: Environment, role: RunCoordinator | Worker) -> None:
    """Keep the role with the environment."""
    setattr(environment, _ATTRIBUTE, role)


def role_of(environment: Environment) -> RunCoordinator | Worker | None:
    """The role of this process; None, with a logged error and an exit code, if ``install`` was not called."""
    role = getattr(environment, _ATTRIBUTE, None)
    if isinstance(role, (RunCoordinator, Worker)):
        return role
    logger.error("call locust_softphone.install(events) at the top of the locustfile")
    environment.process_exit_code = ExitCode.BAD_INPUT
    return None
