"""Takes the OAuth client's secret out of Locust's options, before anything else can read it."""

from __future__ import annotations

from argparse import Namespace

from locust_softphone.errors import InputError
from locust_softphone.swarm.process_list import hide

__all__ = ["take_secret"]


def take_secret(parsed: Namespace) -> str:
    """Remove the client's secret from the options, ``sys.argv`` and the process list, and return it.

    Locust would send it to its workers with every message that spawns users, and a locustfile could print it.

    Raises:
        InputError: the secret or the client's id is not UTF-8.
    """
    secret, parsed.softphone_client_secret = parsed.softphone_client_secret, ""
    hide(secret)
    for option, text in (("client-secret", secret), ("client-id", parsed.softphone_client_id)):
        if not _is_utf_8(str(text)):
            raise InputError(f"--softphone-{option}, or its environment variable: not UTF-8")
    return str(secret)


def _is_utf_8(text: str) -> bool:
    """Whether an argument or a variable was UTF-8: Python keeps other bytes as surrogates (PEP 383)."""
    return not any("\ud800" <= character <= "\udfff" for character in text)
