"""What this process is in a run: the coordinator, or one of its workers; kept with Locust's environment."""

from __future__ import annotations

from locust.env import Environment

from locust_softphone.errors import InputError
from locust_softphone.swarm.cluster.worker import Worker
from locust_softphone.swarm.coordinator import RunCoordinator
from locust_softphone.swarm.load.generator import LoadGenerator

__all__ = ["BAD_INPUT", "attach", "attached_to", "coordinator_of", "generator_of"]

BAD_INPUT = 2
"""The exit code that says so."""

_ATTRIBUTE = "softphone"
_NOT_INSTALLED = "call locust_softphone.install(events) at the top of the locustfile"


def attach(environment: Environment, side: RunCoordinator | Worker) -> None:
    """Keep it with the environment."""
    setattr(environment, _ATTRIBUTE, side)


def attached_to(environment: Environment) -> RunCoordinator | Worker | None:
    """This process's coordinator or worker, once it has one."""
    side = getattr(environment, _ATTRIBUTE, None)
    return side if isinstance(side, (RunCoordinator, Worker)) else None


def coordinator_of(environment: Environment) -> RunCoordinator:
    """The coordinator of the runs on this environment: a master's, or a lone process's.

    Raises:
        InputError: the locustfile has not called ``install``.
    """
    side = attached_to(environment)
    if not isinstance(side, RunCoordinator):
        raise InputError(_NOT_INSTALLED)
    return side


def generator_of(environment: Environment) -> LoadGenerator | None:
    """This process's generator of the run that is on, or None when there is none.

    Raises:
        InputError: the locustfile has not called ``install``.
    """
    side = attached_to(environment)
    if side is None:
        raise InputError(_NOT_INSTALLED)
    return side.generator
