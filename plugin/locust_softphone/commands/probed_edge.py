"""How a probe reaches its edge: the host, the dialect and the OAuth clients, as the options say."""

from __future__ import annotations

import argparse
import os
import random
import time
from dataclasses import dataclass, replace

from locust_softphone.config.profile_files import load_profile, profile_folders
from locust_softphone.errors import AttemptFailed, InputError
from locust_softphone.metrics.failure_advice import unreachable
from locust_softphone.metrics.steps import DEFAULT_DIALECT, known_dialects, request_steps
from locust_softphone.runs.limit_diagnosis import ASSUMED_SHARE
from locust_softphone.signaling.account import Account
from locust_softphone.signaling.dialect import Dialect
from locust_softphone.signaling.dialects.by_name import dialect_for
from locust_softphone.signaling.dialects.genesys_cloud.regions import hosts_of
from locust_softphone.signaling.hosts import Hosts
from locust_softphone.signaling.oauth import SIMULATED_CREDENTIALS, Credentials
from locust_softphone.signaling.secret_file import read_secret
from locust_softphone.signaling.source_addresses import SourceAddresses
from locust_softphone.signaling.target import ASK_FIRST, Target
from locust_softphone.text import choices

__all__ = ["SECOND_CLIENTS", "ProbedEdge"]

TIMEOUT_S = 30.0
REACH_S = 5.0
SECOND_CLIENTS = 1_000_000  # the numbers of the clients with the second key begin here


@dataclass(frozen=True)
class ProbedEdge:
    """An edge, and as whom the probe asks it.

    Args:
        account: where it is, and the OAuth client.
        name: of the dialect.
        settings: of the dialect, from a profile.
        second: another OAuth client, to find out what limits count by; None without one.
    """

    account: Account
    name: str
    settings: object = None
    second: Credentials | None = None

    @classmethod
    def of(cls, parsed: argparse.Namespace) -> ProbedEdge:
        """As the options say.

        Raises:
            InputError: there is no edge or no permission, or the edge cannot be reached.
        """
        if bool(parsed.host) == bool(parsed.region):
            raise InputError("probe: name the edge: --host URL, or --region REGION of Genesys Cloud, one of the two")
        if parsed.region:
            hosts = hosts_of(parsed.region, ca_file=parsed.ca, authorized=parsed.authorized)
        else:
            hosts = Hosts.one(Target.parse(parsed.host, ca_file=parsed.ca, authorized=parsed.authorized))
        if parsed.dialect and parsed.profile:
            raise InputError("--dialect and --profile both name a dialect; give one of the two")
        profile = load_profile(parsed.profile, profile_folders()) if parsed.profile else None
        default = "genesys-cloud" if parsed.region else DEFAULT_DIALECT
        name = parsed.dialect or (default if profile is None else profile.dialect)
        if name not in known_dialects():
            raise InputError(f"--dialect {name}: not a dialect, {choices(name, known_dialects())}")
        credentials = _credentials(parsed, name)
        if not hosts.is_loopback:
            if not parsed.authorized:
                raise InputError(f"--host {hosts.api.url}: {ASK_FIRST}")
            if not credentials.client_secret or credentials is SIMULATED_CREDENTIALS:
                raise InputError(
                    f"--host {hosts.api.url}: needs --client-id, and LOCUST_SOFTPHONE_CLIENT_SECRET or "
                    "--client-secret-file"
                )
        settings = None if profile is None else profile.dialect_settings
        wire = cls(Account(hosts, credentials).reached(_reached), name, settings, _second_client(parsed, name))
        wire.check_second_client()
        return wire

    def check_second_client(self) -> None:
        """Ask for a token with the second client: what is wrong with it is said before anything is measured.

        Raises:
            InputError: it gets none.
        """
        if self.second is None:
            return
        client = self.as_second_client(self.second).dialect(None).client(SECOND_CLIENTS - 1)
        try:
            client.fetch_token(time.monotonic())
        except AttemptFailed as failed:
            raise InputError(f"--second-client-id: the client gets no token ({failed})") from None
        finally:
            client.close_idle()

    def as_second_client(self, second: Credentials) -> ProbedEdge:
        """The same edge, asked as another OAuth client."""
        return replace(self, account=replace(self.account, credentials=second))

    @property
    def url(self) -> str:
        return self.account.hosts.api.url

    def others(self, declared: float | None) -> float:
        """The share of other clients: as declared, or some on an edge that is not on this machine."""
        if declared is not None:
            return declared
        return 0.0 if self.account.hosts.is_loopback else ASSUMED_SHARE

    def dialect(self, address: str | None) -> Dialect:
        """The dialect, from one or more source addresses."""
        account = self.account
        if address is not None:
            sources = SourceAddresses.parse(address, "--source-address")
            account = account.reached(lambda target: target.sent_from(sources))
        return dialect_for(self.name, account, timeout_s=TIMEOUT_S, random=random.Random(), settings=self.settings)


def _credentials(parsed: argparse.Namespace, dialect: str) -> Credentials:
    """As given, or the simulated edge's. A dialect without tokens has no client, and the secret is the password."""
    file = parsed.client_secret_file
    secret = read_secret(file, "--client-secret-file") if file else os.environ.get("LOCUST_SOFTPHONE_CLIENT_SECRET", "")
    if not parsed.client_id and ("token" in request_steps(dialect) or not secret):
        return SIMULATED_CREDENTIALS
    return Credentials(parsed.client_id or "", secret)


def _second_client(parsed: argparse.Namespace, dialect: str) -> Credentials | None:
    client_id, file = parsed.second_client_id, parsed.second_client_secret_file
    if client_id is None and file is None:
        return None
    if not client_id or not file:
        raise InputError("--second-client-id and --second-client-secret-file: give both")
    if "token" not in request_steps(dialect):
        raise InputError(f"--second-client-id: the dialect {dialect} has no OAuth clients")
    return Credentials(client_id, read_secret(file, "--second-client-secret-file"))


def _reached(target: Target) -> Target:
    try:
        return target.reached(REACH_S)
    except AttemptFailed as failed:
        raise InputError(
            f"--host {target.url}: {unreachable(failed.outcome, failed.detail, tls=bool(target.tls))}"
        ) from None
