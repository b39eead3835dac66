"""The options that a run takes besides Locust's own, each with an environment variable ``LOCUST_SOFTPHONE_…``.

    StartupOptions    set when Locust is started, by whoever may start processes here: the client and its secret, the
                      permission and the host that it is for, files and folders
    RunOptions        what one run does: the startup options, the profile and the host; the web UI's form may change
                      the last two

Locust's ``POST /swarm`` sets any option by its name, those too that its form does not show, so
nothing of ``StartupOptions`` is read from Locust's options again.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from locust.argument_parser import LocustArgumentParser

from locust_softphone.config.profile import Profile, list_profiles, load_profile, profile_folders
from locust_softphone.errors import InputError
from locust_softphone.signaling.dialects import Account
from locust_softphone.signaling.dialects.genesys_cloud.client import CALL_TO, GenesysCloud
from locust_softphone.signaling.dialects.genesys_cloud.regions import hosts_of
from locust_softphone.signaling.dialects.genesys_cloud.users import User, load_users
from locust_softphone.signaling.hosts import Hosts
from locust_softphone.signaling.oauth import SIMULATED_CREDENTIALS, Credentials
from locust_softphone.signaling.target import ASK_FIRST, Target
from locust_softphone.swarm.process_list import hide

__all__ = ["RunOptions", "StartupOptions", "add_options", "take_secret"]

LONGEST_SECRET = 64 * 1024


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
        help="OAuth client secret. On a command line it stays in the shell's history, and others can read it in the "
        "process list while Locust starts: set the environment variable or give a file instead",
    )
    parser.add_argument(
        "--softphone-client-secret-file",
        metavar="FILE",
        env_var="LOCUST_SOFTPHONE_CLIENT_SECRET_FILE",
        default="",
        include_in_web_ui=False,
        help="File with nothing but the OAuth client secret, such as /run/secrets/softphone",
    )
    parser.add_argument(
        "--softphone-region",
        metavar="REGION",
        env_var="LOCUST_SOFTPHONE_REGION",
        default="",
        include_in_web_ui=False,
        help="A region of Genesys Cloud such as us-east-1 or eu-central-1, in place of --host: its hosts are the edge",
    )
    parser.add_argument(
        "--softphone-users",
        metavar="FILE",
        env_var="LOCUST_SOFTPHONE_USERS",
        default="",
        include_in_web_ui=False,
        help="CSV file of the users whose softphones these are, columns jid, token or both (dialect genesys-cloud); "
        "a token env:NAME is taken from the environment",
    )
    parser.add_argument(
        "--softphone-call-to",
        metavar="NUMBER",
        env_var="LOCUST_SOFTPHONE_CALL_TO",
        default="",
        include_in_web_ui=False,
        help="Whom the softphones call (dialect genesys-cloud); needed for a region",
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
        help="I may load-test this target: needed for any --host that is not this machine, and for any region",
    )


@dataclass(frozen=True)
class StartupOptions:
    """What was said as Locust was started, and holds for every run of this process.

    Args:
        host: the edge, or None for a simulated one.
        region: whose hosts are the edge, or None.
        authorized: whether the user may load-test ``host`` or ``region``, and that alone.
        users: whose softphones they are; none where each asks the edge who it is.
        call_to: whom they call, or None for nobody's number.
        client_id: of the OAuth client; empty for the simulated edge's.
        client_secret: of the OAuth client.
        ca: PEM file of a private certificate authority, or None.
        runs: the folder for run records.
        policy: the simulated edge's policy file, or None.
    """

    host: str | None
    region: str | None
    authorized: bool
    users: Sequence[User] = field(repr=False)
    call_to: str | None
    client_id: str
    client_secret: str = field(repr=False)
    ca: str | None
    runs: Path
    policy: Path | None

    @classmethod
    def take(cls, parsed: Namespace) -> StartupOptions:
        """Read the parsed options, and leave no secret in them.

        Raises:
            InputError: the secret's file or that of the users cannot be used, or there are two secrets.
        """
        secret, file = take_secret(parsed), parsed.softphone_client_secret_file
        if secret and file:
            raise InputError(
                f"--softphone-client-secret-file {file}: --softphone-client-secret, or its environment variable, has a "
                "secret already; give one of the two"
            )
        return cls(
            host=parsed.host or None,
            region=parsed.softphone_region or None,
            authorized=parsed.softphone_authorized,
            users=load_users(Path(parsed.softphone_users)) if parsed.softphone_users else (),
            call_to=parsed.softphone_call_to or None,
            client_id=parsed.softphone_client_id,
            client_secret=_read_secret(Path(file)) if file else secret,
            ca=parsed.softphone_ca or None,
            runs=Path(parsed.softphone_runs),
            policy=Path(parsed.softphone_policy) if parsed.softphone_policy else None,
        )

    @property
    def credentials(self) -> Credentials:
        """The OAuth client that was named, or the simulated edge's."""
        return Credentials(self.client_id, self.client_secret) if self.client_id else SIMULATED_CREDENTIALS

    def authorizes(self, target: Target) -> bool:
        """Whether the permission is for this target: it names a host, and a form can name another."""
        if not self.authorized or not self.host:
            return False
        with suppress(InputError):
            return Target.parse(self.host).url == target.url
        return False


@dataclass(frozen=True)
class RunOptions:
    """What a run is to do, checked.

    Args:
        profile: the profile to run.
        hosts: the edge, or None for a simulated one of our own.
        startup: what was said as Locust was started.
    """

    profile: Profile
    hosts: Hosts | None
    startup: StartupOptions

    @property
    def runs(self) -> Path:
        """The folder for run records."""
        return self.startup.runs

    @property
    def policy(self) -> Path | None:
        """The simulated edge's policy file."""
        return self.startup.policy

    def account(self, hosts: Hosts) -> Account:
        """The edge at these hosts, and who the softphones are to it."""
        return Account(hosts, self.startup.credentials, self.startup.users, self.startup.call_to or CALL_TO)

    @classmethod
    def read(cls, profile: str, host: str | None, startup: StartupOptions) -> RunOptions:
        """Check what is wanted now against what was given at the start.

        Args:
            profile: a name or a path.
            host: the edge, or None for a simulated one.
            startup: what was said as Locust was started.

        Raises:
            InputError: with every problem found, a line each.
        """
        problems: list[str] = []
        loaded = hosts = None
        try:
            loaded = load_profile(profile, profile_folders())
        except InputError as error:
            problems += error.problems
        try:
            hosts = _hosts(host, startup)
        except InputError as error:
            problems += error.problems
        if hosts is not None:
            problems += _host_problems(hosts, startup)
        if loaded is not None:
            problems += _profile_problems(loaded, startup)
        if problems or loaded is None:
            raise InputError(*problems)
        return cls(loaded, hosts, startup)


def take_secret(parsed: Namespace) -> str:
    """Take the client's secret out of the options, of ``sys.argv`` and of the process list, and return it.

    Locust would send it to its workers with every message that spawns users, and a locustfile could print it.
    """
    secret, parsed.softphone_client_secret = parsed.softphone_client_secret, ""
    hide(secret)
    return str(secret)


def _read_secret(file: Path) -> str:
    name = f"--softphone-client-secret-file {file}"
    try:
        with file.open("rb") as opened:
            secret = opened.read(LONGEST_SECRET + 1).decode().rstrip("\r\n")
    except OSError as error:
        raise InputError(f"{name}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise InputError(f"{name}: not text; it must hold nothing but the secret") from None
    if not secret or len(secret) > LONGEST_SECRET:
        raise InputError(f"{name}: {'longer than 64 KB' if secret else 'empty'}; it must hold nothing but the secret")
    return secret


def _hosts(host: str | None, startup: StartupOptions) -> Hosts | None:
    """The edge that is named, by a host or by a region; None for a simulated one."""
    if startup.region:
        if host:
            raise InputError(
                "--softphone-region: its hosts are the edge, and --host names another; give one of the two"
            )
        return hosts_of(startup.region, ca_file=startup.ca, authorized=startup.authorized)
    if not host:
        return None
    target = Target.parse(host, ca_file=startup.ca)
    return Hosts.one(replace(target, authorized=startup.authorizes(target)))


def _profile_problems(profile: Profile, startup: StartupOptions) -> Iterable[str]:
    if profile.dialect != GenesysCloud.name:
        for option in ("region", "users", "call_to"):
            if getattr(startup, option):
                name = option.replace("_", "-")
                yield f"--softphone-{name}: for the dialect genesys-cloud, and {profile.name} speaks {profile.dialect}"
        return
    if startup.users and len(startup.users) < profile.users:
        yield (
            f"--softphone-users: has {len(startup.users)} users, and {profile.name} has {profile.users} softphones; "
            "each needs one of its own"
        )
    if startup.region and not startup.call_to:
        yield "--softphone-region: needs --softphone-call-to NUMBER, whom the softphones are to call"


def _host_problems(hosts: Hosts, startup: StartupOptions) -> Iterable[str]:
    target = hosts.api
    if startup.policy:
        yield "--softphone-policy: it is the simulated edge's, and --host names another; give one of the two"
    if hosts.is_loopback:
        return
    if startup.authorized and not target.authorized:
        yield (
            f"--host {target.url}: Locust was started with permission for {startup.host or 'no host'}; "
            "start it again with this --host and --softphone-authorized"
        )
    elif not target.authorized:
        yield f"--host {target.url}: {ASK_FIRST}"
    has_tokens = startup.users and all(user.token for user in startup.users)
    if not has_tokens and (not startup.client_id or not startup.client_secret):
        yield f"--host {target.url}: needs LOCUST_SOFTPHONE_CLIENT_ID and LOCUST_SOFTPHONE_CLIENT_SECRET to be set"
