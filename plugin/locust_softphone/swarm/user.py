"""A Locust user that is a softphone. It acts at its own planned start, not when it is spawned."""

from __future__ import annotations

import logging
import traceback

import gevent
from gevent import GreenletExit
from locust import User, task
from locust.exception import StopTest, StopUser
from locust.user.task import LOCUST_STATE_RUNNING

from locust_softphone.signaling.softphone import Softphone
from locust_softphone.swarm.state import role_of

__all__ = ["SoftphoneUser"]

logger = logging.getLogger(__name__)


class SoftphoneUser(User):
    """One softphone of the plan. Subclass it; override ``script`` for a scenario of your own:

    .. code-block:: python

        class ConsultingAgent(SoftphoneUser):
            def script(self, phone):
                phone.call()
                phone.hold(5)
                phone.call()
                phone.hold(5)
                phone.hang_up()

    A script that has not finished when the plan is over is cut short. The run is then not valid, unless the profile
    has ``allow_cut_short: true``.
    """

    abstract = True
    script_is_profiles = True
    """Whether ``script`` is the default one, so that each softphone makes as many calls as the profile says."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.script_is_profiles = cls.script is SoftphoneUser.script

    def __init__(self, environment: object) -> None:
        super().__init__(environment)
        self.phone: Softphone | None = None

    def script(self, phone: Softphone) -> None:
        """What the softphone does from its planned start on; by default what the profile says."""
        phone.live()

    @task
    def take_part(self) -> None:
        role = role_of(self.environment)
        if role is None:
            raise StopUser
        generator = role.generator
        self.phone = generator.take_slot() if generator else None
        if generator is not None and self.phone is not None and generator.wait_until_planned_start(self.phone):
            self.phone.start()
            try:
                self.script(self.phone)
            except Exception:
                generator.crashed(self.phone)
                self.phone.hang_up()
                raise
            except GreenletExit:
                self.phone.cut_short |= not self.script_is_profiles
                raise
            finally:
                generator.done(self.phone)

    def run(self) -> None:  # type: ignore[misc] # final in Locust
        """What the user's greenlet does: take part once, and then wait, because Locust replaces a user that returns.

        Errors are reported as Locust reports them. Its own ``run`` (2.47.0) chooses among tasks in a loop. That costs
        each held softphone 5.5 KB (measured): 1 KB for a set of tasks, and a page of 4 KB because its calls make the
        stack of Python frames longer than one page (``tests/swarm/test_memory.py``).
        """
        self._state = LOCUST_STATE_RUNNING
        try:
            try:
                self.on_start()
                self.take_part()
            except (StopUser, StopTest):
                raise
            except Exception as error:
                self.environment.events.user_error.fire(user_instance=self, exception=error, tb=error.__traceback__)
                if not self.environment.catch_exceptions:
                    raise
                logger.error("%s\n%s", error, traceback.format_exc())
            while True:
                gevent.sleep(3600)
        except (GreenletExit, StopUser, StopTest):
            self.on_stop()

    def wait(self) -> None:
        """Wait for ``wait_time``. A script that stays connected uses ``phone.hold`` instead, which answers pings."""
        gevent.sleep(self.wait_time())

    def on_stop(self) -> None:
        if self.phone is not None:
            self.phone.hang_up()
