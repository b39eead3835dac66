"""The options that a run takes besides Locust's own, each with an environment variable ``LOCUST_SOFTPHONE_…``."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from locust.argument_parser import LocustArgumentParser

from locust_softphone.errors import InputError
from locust_softphone.profile import Profile, list_profiles, load_profile, profile_folders
from locust_softphone.signaling.media_offer import Credentials
from locust_softphone.signaling.stream import Target

__all__ = ["SIMULATED_CREDENTIALS", "Options", "add_options"]

SIMULATED_CREDENTIALS = Credentials("locust-softphone", "simulated")
"""What the simulated edge's default policy takes; no secret."""


class _Suggestions(tuple[str, ...]):
    """Choices for the web UI's drop-down that leave the command line free to name a path."""

    def __contains__(self, value: object) -> bool:
        return True


def add_options(parser: LocustArgumentParser) -> None:
    """Add our options to Locust's parser; named ``--softphone-…`` as ``--profile`` is taken."""
    names = _Suggestions(each.name for each in list_profiles(profile_folders()))
    parser.add_argument(
        "--softphone-profile",
        metavar="NAME|PATH",
        env_var="LOCUST_SOFTPHONE_PROFILE",
        choices=names,
        default="burst-500",
        help="The profile to run: a name from the pack, or a YAML file",
    )
    parser.add_argument(
        "--softphone-runs",
        metavar="DIR",
        env_var="LOCUST_SOFTPHONE_RUNS",
        default="runs",
        include_in_web_ui=False,
        help="Where run records are written (default: runs)",
    )
    parser.add_argument(
        "--softphone-client-id",
        metavar="ID",
        env_var="LOCUST_SOFTPHONE_CLIENT_ID",
        default="",
        include_in_web_ui=False,
        help="OAuth client id (default: the simulated edge's)",
    )
    parser.add_argument(
        "--softphone-client-secret",
        metavar="SECRET",
        env_var="LOCUST_SOFTPHONE_CLIENT_SECRET",
        default="",
        include_in_web_ui=False,
        is_secret=True,
        help="OAuth client secret; give it by environment variable, where a process list does not show it",
    )
    parser.add_argument(
        "--softphone-ca",
        metavar="FILE",
        env_var="LOCUST_SOFTPHONE_CA",
        default="",
        include_in_web_ui=False,
        help="PEM file of a private certificate authority to trust instead of the system's",
    )
    parser.add_argument(
        "--softphone-policy",
        metavar="FILE",
        env_var="LOCUST_SOFTPHONE_POLICY",
        default="",
        include_in_web_ui=False,
        help="Policy file of the simulated edge that is started when there is no --host",
    )
    parser.add_argument(
        "--softphone-authorized",
        action="store_true",
        env_var="LOCUST_SOFTPHONE_AUTHORIZED",
        default=False,
        include_in_web_ui=False,
        help="I may load-test this target: needed for any --host that is not this machine",
    )


@dataclass(frozen=True)
class Options:
    """What the options say, checked.

    Args:
        profile: the profile to run.
        target: the edge, or None for a simulated one of our own.
        credentials: the OAuth client.
        runs: the folder for run records.
        policy: the simulated edge's policy file, or None.
    """

    profile: Profile
    target: Target | None
    credentials: Credentials
    runs: Path
    policy: Path | None

    @classmethod
    def read(cls, parsed: Namespace, host: str | None) -> Options:
        """Check the parsed options.

        Raises:
            InputError: with every problem found, a line each.
        """
        problems: list[str] = []
        profile = target = None
        try:
            profile = load_profile(parsed.softphone_profile, profile_folders())
        except InputError as error:
            problems += error.problems
        try:
            target = Target.parse(host, ca_file=parsed.softphone_ca or None) if host else None
        except InputError as error:
            problems += error.problems
        problems += _target_problems(parsed, target)
        if problems or profile is None:
            raise InputError(*problems)
        return cls(
            profile=profile,
            target=target,
            credentials=credentials(parsed),
            runs=Path(parsed.softphone_runs),
            policy=Path(parsed.softphone_policy) if parsed.softphone_policy else None,
        )


def credentials(parsed: Namespace) -> Credentials:
    """The OAuth client that the options name, or the simulated edge's."""
    if not parsed.softphone_client_id:
        return SIMULATED_CREDENTIALS
    return Credentials(parsed.softphone_client_id, parsed.softphone_client_secret)


def _target_problems(parsed: Namespace, target: Target | None) -> Iterable[str]:
    if target is None:
        return
    if parsed.softphone_policy:
        yield "--softphone-policy: it is the simulated edge's, and --host names another; give one of the two"
    if target.is_loopback:
        return
    if not parsed.softphone_authorized:
        yield (
            f"--host {target.url}: not this machine. A load test needs its owner's permission: "
            "add --softphone-authorized once you have it"
        )
    if not parsed.softphone_client_id:
        yield f"--host {target.url}: needs LOCUST_SOFTPHONE_CLIENT_ID and LOCUST_SOFTPHONE_CLIENT_SECRET to be set"
