"""The dialects by name: those of this package, and those that other packages provide by entry points."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from types import MappingProxyType

from locust_softphone import __version__
from locust_softphone.config.profile import Profile
from locust_softphone.errors import InputError
from locust_softphone.metrics.installed_dialects import load_dialect
from locust_softphone.signaling.account import Account
from locust_softphone.signaling.dialect import Dialect
from locust_softphone.signaling.dialect_setup import DialectSetup
from locust_softphone.signaling.dialects.genesys_cloud.client import GenesysCloud
from locust_softphone.signaling.dialects.media_offer import MediaOffer
from locust_softphone.signaling.dialects.sip.sip_client import Sip

__all__ = ["dialect_for", "dialect_of"]

_USER_AGENT = f"locust-softphone/{__version__}"

_BUILT_IN: Mapping[str, Callable[[DialectSetup], Dialect]] = MappingProxyType(
    {GenesysCloud.name: GenesysCloud.of, MediaOffer.name: MediaOffer.of, Sip.name: Sip.of}
)


def dialect_of(profile: Profile, account: Account, random: Random) -> Dialect:
    """The dialect of a profile; arguments and errors are those of ``dialect_for``."""
    settings = profile.dialect_settings
    return dialect_for(
        profile.dialect, account, timeout_s=profile.softphone.timeout_s, random=random, settings=settings
    )


def dialect_for(name: str, account: Account, *, timeout_s: float, random: Random, settings: object = None) -> Dialect:
    """The dialect with this name in a profile, for this account.

    Args:
        name: of a built-in dialect, or of an entry point.
        account: the edge, and as whom the softphones log in.
        timeout_s: bounds each attempt.
        random: makes ICE credentials and ids.
        settings: ``Profile.dialect_settings``.

    Raises:
        InputError: there is no such dialect, or it cannot be made.
    """
    setup = DialectSetup(account, timeout_s, _USER_AGENT, random, settings)
    if name in _BUILT_IN:
        return _BUILT_IN[name](setup)
    try:
        installed = load_dialect(name)
    except ValueError as error:
        raise InputError(str(error)) from None
    if installed is None:
        raise InputError(f"the dialect {name} is not installed here: no package has the entry point")
    dialect: Dialect = installed(setup)
    return dialect
