"""The dialects by name, and what each of them needs to know of the edge and of whose softphones they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random

from locust_softphone.signaling.dialect import Dialect
from locust_softphone.signaling.dialects.genesys_cloud.client import CALL_TO, GenesysCloud
from locust_softphone.signaling.dialects.genesys_cloud.users import User
from locust_softphone.signaling.dialects.media_offer import MediaOffer
from locust_softphone.signaling.hosts import Hosts
from locust_softphone.signaling.oauth import Credentials
from locust_softphone.signaling.target import Target

__all__ = ["Account", "dialect_for"]


@dataclass(frozen=True)
class Account:
    """Where the edge is, and who the softphones are to it.

    Args:
        hosts: where the edge is.
        credentials: of the OAuth client that they log in as.
        users: whose softphones they are, one each; none where each asks who it is.
        call_to: the number or address that they call.
    """

    hosts: Hosts
    credentials: Credentials
    users: Sequence[User] = ()
    call_to: str = CALL_TO

    def reached(self, reach: Callable[[Target], Target]) -> Account:
        """The same with the addresses of each target looked up."""
        return replace(self, hosts=self.hosts.each(reach))


def dialect_for(name: str, account: Account, *, timeout_s: float, user_agent: str, random: Random) -> Dialect:
    """The dialect that a profile names, against this edge."""
    if name == GenesysCloud.name:
        return GenesysCloud(
            account.hosts,
            account.credentials,
            users=account.users,
            call_to=account.call_to,
            timeout_s=timeout_s,
            user_agent=user_agent,
            random=random,
        )
    return MediaOffer(account.hosts.api, account.credentials, timeout_s=timeout_s, user_agent=user_agent, random=random)
