"""How many Locust users exist: all of them from the start, the same number on each worker, and none after the plan.

Locust asks a shape once a second and spawns users in batches, so a shape cannot time the starts. It only provides the
users; each waits for its own planned start. Early users cost some 10 KB each, and no batch delays the ramp.
"""

from __future__ import annotations

from locust import LoadTestShape

from locust_softphone.swarm.coordinator import RunCoordinator
from locust_softphone.swarm.state import role_of

__all__ = ["ProfileShape"]


class ProfileShape(LoadTestShape):
    """The shape of the profile that ``--softphone-profile`` names. Subclass it in a locustfile, empty."""

    abstract = True

    def tick(self) -> tuple[int, float] | None:
        assert self.runner is not None
        coordinator = role_of(self.runner.environment)
        users = None
        if isinstance(coordinator, RunCoordinator):
            with coordinator.failing():
                users = coordinator.users_wanted()
        return None if users is None else (users, float(users))
