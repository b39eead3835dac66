"""The gate before each step: whoever is early too often is cut, whoever is beyond the limit is told when to come back.

    check_patience    came back before its Retry-After was over, more than ``patience`` times: Impatient
    check_limit       no token left for its organisation: Refused, 429, and remembered as told to wait

Both raise, or let the caller through.
"""

from __future__ import annotations

from locust_softphone.edge.limits import Limit
from locust_softphone.edge.patience import Patience
from locust_softphone.edge.policy import Policy
from locust_softphone.edge.replies import retry_after, too_many_requests
from locust_softphone.edge.request import Caller
from locust_softphone.edge.stats import STEPS, Stats, Step

__all__ = ["Gate", "Impatient"]


class Impatient(Exception):
    """The verdict that a client has come back too early too often."""

    def __init__(self, caller: Caller) -> None:
        super().__init__(caller)
        self.caller = caller


class Gate:
    """Limits and patience, for all steps and organisations. ``now`` is in seconds of a clock that only goes forward."""

    def __init__(self, policy: Policy, stats: Stats) -> None:
        self._policy = policy
        self._stats = stats
        self._patience = Patience()
        self._limits = {
            (step, organisation.client_id): Limit(getattr(policy.limits, step), policy.retry_after.says)
            for step in STEPS
            for organisation in policy.organisations
        }

    def check_patience(self, step: Step, caller: Caller, now: float) -> None:
        """Count a caller that is early.

        Raises:
            Impatient: it has been too often.
        """
        times_early = self._patience.times_early(caller, step, now)
        if times_early:
            self._stats.steps[step].early_retries += 1
        if times_early > self._policy.patience:
            raise Impatient(caller)

    def check_limit(self, step: Step, caller: Caller, now: float, wall_s: float) -> dict[str, str]:
        """The ``X-RateLimit-*`` headers for a request within the limit.

        Raises:
            Refused: it is not; ``wall_s``, since the epoch, is for a Retry-After that is a date.
        """
        limit = self._limits[step, caller.organisation]
        wait_s = limit.admit(now)
        headers = limit.headers(now)
        if not wait_s:
            return headers
        told = retry_after(self._policy.retry_after.form, wait_s, wall_s)
        if told is None:
            raise too_many_requests(wait_s, None, headers)
        header, asked_s = told
        self._patience.told(caller, step, now + asked_s, now)
        raise too_many_requests(wait_s, header, headers)
