"""Which side of a run a process is on: it has a conductor, or as a worker a member, kept with Locust's environment."""

from __future__ import annotations

from locust.env import Environment

from locust_softphone.errors import InputError
from locust_softphone.swarm.conductor import Conductor
from locust_softphone.swarm.member import Member
from locust_softphone.swarm.share import Share

__all__ = ["BAD_INPUT", "conductor_of", "share_of", "side_of", "take_side"]

BAD_INPUT = 2
"""The exit code that says so."""

_ATTRIBUTE = "softphone"
_NOT_INSTALLED = "call locust_softphone.install(events) at the top of the locustfile"


def take_side(environment: Environment, side: Conductor | Member) -> None:
    """Keep it with the environment."""
    setattr(environment, _ATTRIBUTE, side)


def side_of(environment: Environment) -> Conductor | Member | None:
    """This process's conductor or member, once it has one."""
    side = getattr(environment, _ATTRIBUTE, None)
    return side if isinstance(side, (Conductor, Member)) else None


def conductor_of(environment: Environment) -> Conductor:
    """The conductor of the runs on this environment: a master's, or a lone process's.

    Raises:
        InputError: the locustfile has not called ``install``.
    """
    side = side_of(environment)
    if not isinstance(side, Conductor):
        raise InputError(_NOT_INSTALLED)
    return side


def share_of(environment: Environment) -> Share | None:
    """This process's share of the run that is on, or None when there is none.

    Raises:
        InputError: the locustfile has not called ``install``.
    """
    side = side_of(environment)
    if side is None:
        raise InputError(_NOT_INSTALLED)
    return side.share
