"""Where an edge is, and as whom the softphones log in to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from locust_softphone.signaling.dialects.genesys_cloud.users import User
from locust_softphone.signaling.hosts import Hosts
from locust_softphone.signaling.oauth import Credentials
from locust_softphone.signaling.target import Target

__all__ = ["CALL_TO", "Account"]

CALL_TO = "+12025550100"
"""The number to call at a simulated edge: reserved for fiction (NANP 555-0100 to 0199)."""


@dataclass(frozen=True)
class Account:
    """Where the edge is, and as whom the softphones log in.

    Args:
        hosts: where the edge is.
        credentials: of the OAuth client.
        users: the user of each softphone; empty if each softphone asks the edge for its user.
        call_to: the number or address that they call.
    """

    hosts: Hosts
    credentials: Credentials
    users: Sequence[User] = ()
    call_to: str = CALL_TO

    def reached(self, reach: Callable[[Target], Target]) -> Account:
        """The same account with each target replaced by ``reach(target)``."""
        return replace(self, hosts=self.hosts.each(reach))
