"""The dialects by name, and what they need to know: the edge, the credentials, the users."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random

from locust_softphone import __version__
from locust_softphone.config.sip_settings import SipSettings
from locust_softphone.signaling.dialect import Dialect
from locust_softphone.signaling.dialects.genesys_cloud.client import CALL_TO, GenesysCloud
from locust_softphone.signaling.dialects.genesys_cloud.users import User
from locust_softphone.signaling.dialects.media_offer import MediaOffer
from locust_softphone.signaling.dialects.sip.sip_client import Sip
from locust_softphone.signaling.hosts import Hosts
from locust_softphone.signaling.oauth import Credentials
from locust_softphone.signaling.target import Target

__all__ = ["Account", "dialect_for"]

_USER_AGENT = f"locust-softphone/{__version__}"


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


def dialect_for(
    name: str, account: Account, *, timeout_s: float, random: Random, sip: SipSettings | None = None
) -> Dialect:
    """The dialect with this name in a profile, for this account; ``sip`` are the profile's settings of that dialect."""
    if name == GenesysCloud.name:
        return GenesysCloud(
            account.hosts,
            account.credentials,
            users=account.users,
            call_to=account.call_to,
            timeout_s=timeout_s,
            user_agent=_USER_AGENT,
            random=random,
        )
    if name == Sip.name:
        return Sip(
            account.hosts.api,
            account.credentials.client_secret,
            sip or SipSettings(),
            timeout_s=timeout_s,
            user_agent=_USER_AGENT,
            random=random,
        )
    return MediaOffer(
        account.hosts.api, account.credentials, timeout_s=timeout_s, user_agent=_USER_AGENT, random=random
    )
