"""Prints Locust's help with our options in it.

Locust 2.47 prints its ``--help`` before it reads the locustfile, so it does not know
the options that a locustfile adds.
"""

from __future__ import annotations

import sys

from locust import events
from locust.argument_parser import get_parser

from locust_softphone.swarm.hooks import install

__all__ = ["print_help"]


def print_help() -> None:
    """Print the options of Locust and ours."""
    install(events)
    sys.stdout.write(get_parser().format_help())


if __name__ == "__main__":
    print_help()
