"""The options of a run besides Locust's own: one list for Locust's parser, for ``locust-softphone`` and for the docs.

    Locust                locust-softphone run      environment
    --softphone-policy    --policy                  LOCUST_SOFTPHONE_POLICY
    --authorized          --authorized              LOCUST_SOFTPHONE_AUTHORIZED

Locust has a ``--profile`` and a ``--users`` of its own, so ours have a prefix there. ``--users`` is a number of
softphones in every command, so the file of users is ``--softphone-users`` there too.

This module imports no Locust, so that a command can start without it.
"""

from __future__ import annotations

import os
import re
import sys
from argparse import ArgumentParser, Namespace, _StoreTrueAction
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

__all__ = [
    "AUTHORIZED",
    "COMMAND_VARIABLE",
    "OLD_AUTHORIZED",
    "PROFILE",
    "STARTUP_OPTIONS",
    "OldAuthorized",
    "Option",
    "as_typed",
]

AUTHORIZED = "--authorized"
"""The permission has one spelling everywhere."""

OLD_AUTHORIZED = "--softphone-authorized"

COMMAND_VARIABLE = "LOCUST_SOFTPHONE_COMMAND"
"""Set in a Locust process that a command of ``locust-softphone`` has started."""

_ONLY_IN_LOCUST = re.compile(r"(?<!\")--softphone-(?!(?:users|profile|client-secret)\b(?!-file))(?=[a-z])")


def as_typed(message: str, environment: Mapping[str, str] = os.environ) -> str:
    """A message with the names of options as the user's command has them: ``--ca``, and ``--softphone-ca`` in Locust.

    Args:
        message: with the names that Locust has; what is in quotes was typed so, and stays.
        environment: of this process.
    """
    return _ONLY_IN_LOCUST.sub("--", message) if environment.get(COMMAND_VARIABLE) else message


class OldAuthorized(_StoreTrueAction):
    """What a parser does for ``OLD_AUTHORIZED``: it is still read, with one warning in each process."""

    def __call__(self, parser: ArgumentParser, namespace: Namespace, *args: Any, **kwargs: Any) -> None:
        _warn_once(f"{OLD_AUTHORIZED} is the old spelling of {AUTHORIZED} (it is still read)")
        super().__call__(parser, namespace, *args, **kwargs)


@cache  # Locust reads its command line several times
def _warn_once(warning: str) -> None:
    print(warning, file=sys.stderr)


@dataclass(frozen=True)
class Option:
    """An option of a run.

    Args:
        name: without the prefix, such as ``client-id``.
        metavar: the placeholder for its value; empty for a flag.
        text: the help.
        default: its value if it is not given.
        secret: whether its value must not be shown.
    """

    name: str
    metavar: str
    text: str
    default: str = ""
    secret: bool = False

    @property
    def in_locust(self) -> str:
        """Its name on Locust's command line."""
        return AUTHORIZED if self.name == "authorized" else f"--softphone-{self.name}"

    @property
    def in_command(self) -> str:
        """Its name on the command line of ``locust-softphone run`` and ``ui``."""
        return self.in_locust if self.name == "users" else f"--{self.name}"

    @property
    def variable(self) -> str:
        """Its environment variable."""
        return f"LOCUST_SOFTPHONE_{self.name.upper().replace('-', '_')}"

    @property
    def dest(self) -> str:
        """Its attribute in Locust's parsed options."""
        return f"softphone_{self.name.replace('-', '_')}"


PROFILE = Option("profile", "NAME|PATH", "The profile to run: a name from the pack, or a YAML file", "burst-500")

STARTUP_OPTIONS = (
    Option("runs", "DIR", "Where run records are written (default: runs)", "runs"),
    Option("client-id", "ID", "OAuth client id (default: the simulated edge's)"),
    Option(
        "client-secret",
        "SECRET",
        "OAuth client secret. On a command line it stays in the shell's history, and others can read it in the process "
        "list while Locust starts: set the environment variable or give a file instead",
        secret=True,
    ),
    Option("client-secret-file", "FILE", "File with only the OAuth client secret, such as /run/secrets/softphone"),
    Option(
        "region",
        "REGION",
        "A region of Genesys Cloud such as us-east-1 or eu-central-1, in place of --host: its hosts are the edge",
    ),
    Option(
        "users",
        "FILE",
        "CSV file of the users that the softphones log in as, columns jid, token or both (dialect genesys-cloud); a "
        "token env:NAME is taken from the environment",
    ),
    Option("call-to", "NUMBER", "The number that the softphones call (dialect genesys-cloud); required for a region"),
    Option("ca", "FILE", "PEM file of a private certificate authority to trust instead of the system's"),
    Option(
        "source-address",
        "ADDRESSES",
        "Connect from these addresses of this machine, spread evenly over the softphones: several with commas, or a "
        "range such as 192.0.2.1-192.0.2.20 (default: the system chooses one)",
    ),
    Option("policy", "FILE", "Policy file of the simulated edge that is started when there is no --host"),
    Option(
        "allowed-host",
        "NAME",
        "A host name besides this machine's own under which browsers may open the web UI; several with commas",
    ),
    Option("web-password-file", "FILE", "File with only a password, which the pages of the web UI then ask for"),
    Option(
        "authorized",
        "",
        "I may load-test this target: required for any --host that is not this machine, and for any region",
    ),
    Option(
        "keep-going",
        "",
        "Run the whole plan even if a step fails in the same way each time, and no retry can help",
    ),
    Option(
        "basic-unencoded",
        "",
        "Send the OAuth client's id and secret as they are, for a server that does not form-decode them as RFC 6749 "
        "2.3.1 requires",
    ),
)
"""The options that only the start of Locust can set."""
