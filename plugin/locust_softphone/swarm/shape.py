"""How many users exist: all of them from the start, a whole number per worker; and none once the plan is over.

Locust asks a shape once a second and spawns in lumps, so a shape cannot pace. Here it only sees to it that there are
enough users; each waits for its own instant. Making them all ahead costs some 10 KB each, and saves the ramp from the
stall of every spawning lump.
"""

from __future__ import annotations

import logging

from locust import LoadTestShape

from locust_softphone.errors import ExitCode, InputError
from locust_softphone.swarm.state import coordinator_of

__all__ = ["ProfileShape"]

logger = logging.getLogger(__name__)


class ProfileShape(LoadTestShape):
    """The shape of whichever profile ``--softphone-profile`` names. Subclass it in a locustfile, empty."""

    abstract = True

    def tick(self) -> tuple[int, float] | None:
        assert self.runner is not None
        try:
            users = coordinator_of(self.runner.environment).users_wanted()
        except InputError as error:
            logger.error("%s", error)
            self.runner.environment.process_exit_code = ExitCode.BAD_INPUT
            return None
        return None if users is None else (users, float(users))
