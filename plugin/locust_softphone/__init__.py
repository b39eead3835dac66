"""Load-test WebRTC softphone signaling with Locust.

A locustfile needs three of its names::

    from locust import events
    from locust_softphone import ProfileShape, SoftphoneUser, install

Importing the package has no side effect. Locust patches the standard library when it is imported, so it is only
imported with the names that need it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from locust_softphone.config.profile import Profile
    from locust_softphone.config.schedule import Schedule
    from locust_softphone.signaling.softphone import Softphone
    from locust_softphone.swarm.hooks import install
    from locust_softphone.swarm.shape import ProfileShape
    from locust_softphone.swarm.user import SoftphoneUser

__all__ = ["Profile", "ProfileShape", "Schedule", "Softphone", "SoftphoneUser", "install"]

__version__ = "0.1.0"

_HOMES = {
    "Profile": "config.profile",
    "ProfileShape": "swarm.shape",
    "Schedule": "config.schedule",
    "Softphone": "signaling.softphone",
    "SoftphoneUser": "swarm.user",
    "install": "swarm.hooks",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
