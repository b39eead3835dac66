"""The role of this process in its runs, kept with Locust's environment: a coordinator, or one of its workers."""

from __future__ import annotations

from locust.env import Environment

from locust_softphone.errors import InputError
from locust_softphone.swarm.cluster.worker import Worker
from locust_softphone.swarm.coordinator import RunCoordinator
from locust_softphone.swarm.load.generator import LoadGenerator

__all__ = ["attach", "attached_to", "coordinator_of", "generator_of"]

_ATTRIBUTE = "softphone"
_NOT_INSTALLED = "call locust_softphone.install(events) at the top of the locustfile"


def attach(environment: Environment, role: RunCoordinator | Worker) -> None:
    """Keep the role with the environment."""
    setattr(environment, _ATTRIBUTE, role)


def attached_to(environment: Environment) -> RunCoordinator | Worker | None:
    """The role of this process, if the plugin is installed."""
    role = getattr(environment, _ATTRIBUTE, None)
    return role if isinstance(role, (RunCoordinator, Worker)) else None


def coordinator_of(environment: Environment) -> RunCoordinator:
    """The coordinator of the runs on this environment.

    Raises:
        InputError: the locustfile has not called ``install``.
    """
    role = attached_to(environment)
    if not isinstance(role, RunCoordinator):
        raise InputError(_NOT_INSTALLED)
    return role


def generator_of(environment: Environment) -> LoadGenerator | None:
    """This process's generator in the current run, or None if there is none.

    Raises:
        InputError: the locustfile has not called ``install``.
    """
    role = attached_to(environment)
    if role is None:
        raise InputError(_NOT_INSTALLED)
    return role.generator
