"""The versions of everything that could explain a difference between two runs."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import version

from locust_softphone import __version__

__all__ = ["installed_versions"]

_PACKAGES = ("locust", "gevent", "tenacity", "aiohttp")


def installed_versions() -> dict[str, str]:
    """The versions by package; also ``python`` and ``platform``."""
    return {
        "locust-softphone": __version__,
        **{package: version(package) for package in _PACKAGES},
        "python": platform.python_version(),
        "platform": sys.platform,
    }
