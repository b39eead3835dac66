"""The values of a run's options, read and checked.

    StartupOptions    fixed when Locust is started: credentials, permission and the host it is for, files, folders
    RunOptions        what one run does: the startup options, with a profile and a host that the web UI may change

Locust's ``POST /swarm`` sets any option by name, also those that its form does not show. Therefore the startup options
are read once and never from Locust's options again.
"""

from __future__ import annotations

import logging
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from locust_softphone.config import strict_yaml
from locust_softphone.config.overrides import Overrides
from locust_softphone.config.policy import Policy
from locust_softphone.config.profile import Profile
from locust_softphone.config.profile_files import load_profile, profile_folders
from locust_softphone.errors import InputError
from locust_softphone.metrics.steps import DIALECTS
from locust_softphone.signaling.account import CALL_TO, Account
from locust_softphone.signaling.dialects.genesys_cloud.client import GenesysCloud
from locust_softphone.signaling.dialects.genesys_cloud.regions import hosts_of
from locust_softphone.signaling.dialects.genesys_cloud.users import User, load_users
from locust_softphone.signaling.dialects.sip.sip_client import Sip
from locust_softphone.signaling.hosts import Hosts
from locust_softphone.signaling.oauth import SIMULATED_CREDENTIALS, Credentials
from locust_softphone.signaling.secret_file import read_secret
from locust_softphone.signaling.source_addresses import SourceAddresses
from locust_softphone.signaling.target import ASK_FIRST, Target
from locust_softphone.swarm.secret_option import take_secret

__all__ = ["RunOptions", "StartupOptions"]

NOTHING_OVERRIDDEN = Overrides()

T = TypeVar("T")


@dataclass(frozen=True)
class StartupOptions:
    """The options that hold for every run of this process.

    Args:
        host: the edge, or None for a simulated one.
        region: the region whose hosts are the edge, or None.
        authorized: whether the user may load-test ``host`` or ``region``, and nothing else.
        users: the users that the softphones log in as; empty if each asks the edge who it is.
        call_to: the number that they call, or None.
        client_id: the OAuth client's id; empty for the simulated edge's.
        client_secret: the OAuth client's secret.
        keep_going: whether a run goes on although a step is bound to fail always.
        form_encoded: whether both are form-encoded in the token request.
        ca: PEM file of a private certificate authority, or None.
        runs: the folder for run records.
        sources: the addresses that softphones connect from, or None if the system chooses.
        policy: the simulated edge's policy file, or None.
        allowed_hosts: names besides this machine's own under which browsers may open the web UI.
        web_password: what the pages of the web UI ask for; empty if they ask for nothing.
    """

    host: str | None
    region: str | None
    authorized: bool
    users: Sequence[User] = field(repr=False)
    call_to: str | None
    client_id: str
    client_secret: str = field(repr=False)
    form_encoded: bool
    keep_going: bool
    ca: str | None
    runs: Path
    policy: Path | None
    allowed_hosts: tuple[str, ...] = ()
    sources: SourceAddresses | None = None
    web_password: str = field(default="", repr=False)

    @classmethod
    def take(cls, parsed: Namespace) -> StartupOptions:
        """Read the parsed options, and remove the secret from them.

        Raises:
            InputError: a secret's file, the users' file or the client's id cannot be used, or there are two secrets.
        """
        secret, file = take_secret(parsed), parsed.softphone_client_secret_file
        password = parsed.softphone_web_password_file
        if secret and file:
            raise InputError(
                f"--softphone-client-secret-file {file}: --softphone-client-secret, or its environment variable, has a "
                "secret already; give one of the two"
            )
        if parsed.softphone_basic_unencoded and ":" in parsed.softphone_client_id:
            raise InputError("--softphone-basic-unencoded: a client id with a colon must be encoded (RFC 7617 2)")
        sources = parsed.softphone_source_address
        return cls(
            host=parsed.host or None,
            region=parsed.softphone_region or None,
            authorized=parsed.softphone_authorized,
            users=load_users(Path(parsed.softphone_users)) if parsed.softphone_users else (),
            call_to=parsed.softphone_call_to or None,
            client_id=parsed.softphone_client_id,
            client_secret=read_secret(Path(file), "--softphone-client-secret-file") if file else secret,
            form_encoded=not parsed.softphone_basic_unencoded,
            keep_going=parsed.softphone_keep_going,
            ca=parsed.softphone_ca or None,
            runs=Path(parsed.softphone_runs),
            sources=SourceAddresses.parse(sources, "--softphone-source-address") if sources else None,
            policy=Path(parsed.softphone_policy) if parsed.softphone_policy else None,
            allowed_hosts=tuple(filter(None, map(str.strip, parsed.softphone_allowed_host.split(",")))),
            web_password=read_secret(Path(password), "--softphone-web-password-file") if password else "",
        )

    @property
    def credentials(self) -> Credentials:
        """The OAuth client that was named, or the simulated edge's."""
        if not self.client_id:
            return SIMULATED_CREDENTIALS
        return Credentials(self.client_id, self.client_secret, self.form_encoded)

    def authorizes(self, target: Target) -> bool:
        """Whether the permission holds for this target: it was given for one host, and a form can name another."""
        if not self.authorized or not self.host:
            return False
        with suppress(InputError):
            return Target.parse(self.host).url == target.url
        return False


@dataclass(frozen=True)
class RunOptions:
    """The options of one run, checked.

    Args:
        profile: the profile to run.
        hosts: the edge, or None to start a simulated one.
        startup: the options that hold for every run.
        overridden: the values of the profile's file that were replaced, by key.
    """

    profile: Profile
    hosts: Hosts | None
    startup: StartupOptions
    overridden: Mapping[str, Any] = field(default_factory=dict)

    def account(self, hosts: Hosts) -> Account:
        """The edge at these hosts, and who the softphones are to it."""
        hosts = hosts.each(lambda target: target.sent_from(self.startup.sources))
        credentials = self.startup.credentials
        if self.profile.dialect == Sip.name and self.startup.client_secret:  # the password of the users
            credentials = Credentials(self.startup.client_id, self.startup.client_secret)
        return Account(hosts, credentials, self.startup.users, self.startup.call_to or CALL_TO)

    @classmethod
    def read(
        cls, profile: str, host: str | None, startup: StartupOptions, overrides: Overrides = NOTHING_OVERRIDDEN
    ) -> RunOptions:
        """Check a profile and a host against the startup options.

        Args:
            profile: a name or a path.
            host: the edge, or None for a simulated one.
            startup: the options that hold for every run.
            overrides: what to change in the profile.

        Raises:
            InputError: with every problem found, a line each.
        """
        problems: list[str] = []

        def attempt(read: Callable[[], T]) -> T | None:
            try:
                return read()
            except InputError as error:
                problems.extend(error.problems)
                return None

        in_file = attempt(lambda: load_profile(profile, profile_folders()))
        loaded = None if in_file is None else attempt(lambda: overrides.apply(in_file))
        hosts = attempt(lambda: _hosts(host, startup))
        if hosts is not None:
            problems += _host_problems(hosts, startup, loaded.dialect if loaded else "")
        if startup.policy and not (host or startup.region):
            attempt(lambda: _check_policy(startup.policy))
        if loaded is not None:
            problems += _profile_problems(loaded, startup, hosts)
        if problems or in_file is None or loaded is None:
            raise InputError(*problems)
        return cls(loaded, hosts, startup, overrides.replaced(in_file, loaded))


def _hosts(host: str | None, startup: StartupOptions) -> Hosts | None:
    """The edge that a host or a region names; None for a simulated one."""
    if startup.region:
        if host:
            raise InputError("--softphone-region and --host both name an edge; give one of the two")
        return hosts_of(startup.region, ca_file=startup.ca, authorized=startup.authorized)
    if not host:
        return None
    target = Target.parse(host, ca_file=startup.ca)
    return Hosts.one(replace(target, authorized=startup.authorizes(target)))


def _check_policy(policy: Path | None) -> None:
    """Read the policy before Locust starts; the simulated edge reads it again, and it is the edge that warns."""
    warnings = logging.getLogger(strict_yaml.__name__)
    warnings.disabled = True
    try:
        strict_yaml.load(policy or "", Policy)
    finally:
        warnings.disabled = False


def _profile_problems(profile: Profile, startup: StartupOptions, hosts: Hosts | None) -> Iterator[str]:
    if profile.dialect not in DIALECTS:
        if hosts is None:
            yield f"{profile.name}: the simulated edge does not speak {profile.dialect}; name an edge with --host URL"
        return
    if profile.dialect != GenesysCloud.name:
        for option in ("region", "users", "call-to"):
            if getattr(startup, option.replace("-", "_")):
                yield (
                    f"--softphone-{option}: only for the dialect genesys-cloud; {profile.name} has the dialect "
                    f"{profile.dialect}"
                )
        return
    if startup.users and len(startup.users) < profile.users:
        yield (
            f"--softphone-users: has {len(startup.users)} users, and {profile.name} has {profile.users} softphones; "
            "each softphone needs its own user"
        )
    if startup.region and not startup.call_to:
        yield "--softphone-region: needs --softphone-call-to NUMBER, the number that the softphones call"


def _host_problems(hosts: Hosts, startup: StartupOptions, dialect: str) -> Iterable[str]:
    target = hosts.api
    if startup.policy:
        yield "--softphone-policy: only for a simulated edge, and --host names another edge; give one of the two"
    if hosts.is_loopback:
        return
    if startup.authorized and not target.authorized:
        yield (
            f"--host {target.url}: Locust was started with permission for {startup.host or 'no host'}; "
            "start it again with this --host and --authorized"
        )
    elif not target.authorized:
        yield f"--host {target.url}: {ASK_FIRST}"
    if dialect == Sip.name:
        if not startup.client_secret:
            yield f"--host {target.url}: needs LOCUST_SOFTPHONE_CLIENT_SECRET to be set, the password of the SIP users"
        return
    has_tokens = startup.users and all(user.token for user in startup.users)
    if not has_tokens and (not startup.client_id or not startup.client_secret):
        yield f"--host {target.url}: needs LOCUST_SOFTPHONE_CLIENT_ID and LOCUST_SOFTPHONE_CLIENT_SECRET to be set"
