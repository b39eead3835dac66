"""``locust-softphone probe``: finds out which limits an edge has, and writes them as a policy file, the twin."""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from locust_softphone.commands.argument_types import checked, whole_number
from locust_softphone.commands.arguments import add_authorized_option, add_option
from locust_softphone.commands.probe_record import probe_record
from locust_softphone.commands.twin import ProbedStep, twin
from locust_softphone.config.policy import Policy
from locust_softphone.config.profile_files import load_profile, profile_folders
from locust_softphone.config.units import parse_duration
from locust_softphone.errors import AttemptFailed, ExitCode, InputError
from locust_softphone.metrics.failure_advice import unreachable
from locust_softphone.metrics.steps import DEFAULT_DIALECT, known_dialects, request_steps
from locust_softphone.probing.experiment import MOST_RATE, probe
from locust_softphone.probing.finding import Finding
from locust_softphone.probing.key_experiment import shares_limit
from locust_softphone.probing.probe_budget import DEFAULT_BUDGET, Budget
from locust_softphone.probing.virtual_target import VirtualTarget
from locust_softphone.report.probe_text import probe_text
from locust_softphone.signaling.account import Account
from locust_softphone.signaling.dialect import Dialect
from locust_softphone.signaling.dialects.by_name import dialect_for
from locust_softphone.signaling.dialects.genesys_cloud.regions import hosts_of
from locust_softphone.signaling.hosts import Hosts
from locust_softphone.signaling.oauth import SIMULATED_CREDENTIALS, Credentials
from locust_softphone.signaling.secret_file import read_secret
from locust_softphone.signaling.source_addresses import SourceAddresses
from locust_softphone.signaling.target import ASK_FIRST, Target
from locust_softphone.signaling.wire_target import WireTarget, probed_steps
from locust_softphone.text import choices, duration, quoted

__all__ = ["add_arguments", "run"]

TIMEOUT_S = 30.0
REACH_S = 5.0
OTHERS = 0.02  # of a limit, on an edge that others may use; the diagnosis of a run assumes as much
SECOND_CLIENTS = 1_000_000  # the numbers of the clients with the second key begin here
EXAMPLES = """\
locust-softphone probe --host http://127.0.0.1:8080
locust-softphone probe --host https://edge.example --authorized --step handshake --most-refused 300
locust-softphone probe --host https://edge.example --dry-run
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.epilog = EXAMPLES
    parser.description = (
        "Find out which limits an edge has: their kind, their size, and what they count by. The probe starts with one "
        "request per second, asks more often until it is refused, and then chooses each experiment from the answers so "
        "far. It writes what it found as a policy file for edge, compare and simulate (the twin)."
    )
    parser.add_argument("--host", metavar="URL", help="the edge")
    add_option(parser, "--region", "REGION", "a region of Genesys Cloud, in place of --host", kind=str)
    parser.add_argument("--dialect", metavar="DIALECT", help="what the edge speaks (default: media-offer)")
    parser.add_argument(
        "--profile", metavar="PROFILE", help="take the dialect and its settings (sip:, wire:) from this profile"
    )
    parser.add_argument("--step", action="append", metavar="STEP", help="the step to probe; repeatable (default: all)")
    add_authorized_option(parser)
    parser.add_argument(
        "--most-requests",
        type=whole_number(1_000_000),
        default=DEFAULT_BUDGET.most_requests,
        metavar="N",
        help=f"requests per step (default: {DEFAULT_BUDGET.most_requests})",
    )
    parser.add_argument(
        "--most-refused",
        type=whole_number(1_000_000),
        default=DEFAULT_BUDGET.most_refused,
        metavar="N",
        help=f"refusals per step (default: {DEFAULT_BUDGET.most_refused})",
    )
    parser.add_argument(
        "--longest",
        type=checked(parse_duration),
        default=DEFAULT_BUDGET.longest_s,
        metavar="DURATION",
        help=f"time per step (default: {DEFAULT_BUDGET.longest_s:g}s)",
    )
    parser.add_argument(
        "--others",
        type=checked(_share),
        metavar="PERCENT",
        help="the share of each limit that other clients use at the same time, such as 5%% (default: 2%%; on this "
        "machine, none)",
    )
    add_option(parser, "--client-id", "ID", "OAuth client id (default: the simulated edge's)", kind=str)
    add_option(parser, "--client-secret-file", "FILE", "file with only the OAuth client's secret")
    add_option(parser, "--ca", "FILE", "PEM file of a private certificate authority to trust", kind=str)
    parser.add_argument(
        "--source-address",
        metavar="ADDRESSES",
        help="connect from these addresses of this machine, spread evenly over the clients: several with commas, or a "
        "range such as 192.0.2.1-192.0.2.20 (default: the system chooses one)",
    )
    parser.add_argument(
        "--second-address",
        metavar="ADDRESS",
        help="find out whether limits count by address: another address of this machine to send from",
    )
    parser.add_argument(
        "-o", "--twin", type=Path, default=Path("twin.yaml"), metavar="FILE", help="the policy file to write"
    )
    parser.add_argument("--record", type=Path, metavar="FILE", help="write all requests and results there, as JSON")
    parser.add_argument("--dry-run", action="store_true", help="send nothing; rehearse it against the default policy")


def run(parsed: argparse.Namespace) -> int:
    """Probe the steps, print the table and write the twin."""
    budget = Budget(parsed.most_requests, parsed.most_refused, parsed.longest)
    if parsed.dry_run:
        return _rehearse(parsed, budget)
    wire = _Wire.of(parsed)
    steps = _chosen(parsed.step, probed_steps(wire.dialect(parsed.source_address)))
    for file in (parsed.twin, parsed.record):
        if file is not None:
            _write(file, "")  # a file that cannot be written is reported before anything is sent
    sys.stderr.write(f"{_load(steps, budget)}\n")
    probed: list[ProbedStep] = []
    for step in steps:
        probed.append(_probe_step(wire, step, budget, parsed))
        if probed[-1].finding.spent == "interrupted":
            break
    findings = {each.name: each.finding for each in probed}
    keys = {each.name: each.counts_by for each in probed if each.finding.best is not None}
    print(probe_text(findings, keys))
    print(_caveat(wire.others(parsed.others)))
    _write(parsed.twin, twin(wire.url, probed))
    print(f"the twin: {parsed.twin}")
    if parsed.record is not None:
        _write(parsed.record, json.dumps(probe_record(wire.url, probed)) + "\n")
    unexplained = any(each.diagnosis.refused and each.best is None for each in findings.values())
    return ExitCode.INVALID if unexplained else ExitCode.PASSED


def _probe_step(wire: _Wire, step: str, budget: Budget, parsed: argparse.Namespace) -> ProbedStep:
    """Probe one step; with a second address, also what the limit counts by."""
    with _target(wire, parsed.source_address, step) as target:
        finding = probe(target, budget, foreign_share=wire.others(parsed.others), say=_sayer(step))
        shared: dict[str, bool | None] = {}
        if not finding.spent and finding.best is not None:
            for part, address in (("token", parsed.source_address), ("address", parsed.second_address)):
                if part == "address" and not address:
                    continue
                if part == "token" and step == "token":
                    continue
                _sayer(step)(f"asks with a second {part}")
                with _target(wire, address, step, first_number=SECOND_CLIENTS) as other:
                    shared[part] = shares_limit(target, other, finding)
        status = target.refusals.most_common(1)[0][0] if target.refusals else 0
        told = sum(each is not None for each in target.told_s) > len(target.told_s) / 2
        return ProbedStep(step, finding, status, told, shared, dict(target.failures), target.dropped)


@contextmanager
def _target(wire: _Wire, address: str | None, step: str, first_number: int = 0) -> Iterator[WireTarget]:
    needs_tls = wire.account.hosts.api.needs_tls
    target = WireTarget(wire.dialect(address), step, first_number=first_number, needs_tls=needs_tls)
    try:
        yield target
    finally:
        target.end()


@dataclass(frozen=True)
class _Wire:
    """How the probe reaches the edge."""

    account: Account
    name: str
    settings: object = None

    @classmethod
    def of(cls, parsed: argparse.Namespace) -> _Wire:
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
        return cls(Account(hosts, credentials).reached(_reached), name, settings)

    @property
    def url(self) -> str:
        return self.account.hosts.api.url

    def others(self, declared: float | None) -> float:
        """The share of other clients: as declared, or some on an edge that is not on this machine."""
        if declared is not None:
            return declared
        return 0.0 if self.account.hosts.is_loopback else OTHERS

    def dialect(self, address: str | None) -> Dialect:
        """The dialect, from one or more source addresses."""
        account = self.account
        if address is not None:
            sources = SourceAddresses.parse(address, "--source-address")
            account = account.reached(lambda target: target.sent_from(sources))
        return dialect_for(self.name, account, timeout_s=TIMEOUT_S, random=random.Random(), settings=self.settings)


def _caveat(share: float) -> str:
    if not share:
        return "The bounds hold if no other client used these limits at the same time; otherwise say so with --others."
    return (
        f"Not certain: this allows for other clients that use {share:.0%} of each limit at the same time. If they use "
        "more, kinds and bounds may be wrong; say so with --others."
    )


def _credentials(parsed: argparse.Namespace, dialect: str) -> Credentials:
    """As given, or the simulated edge's. A dialect without tokens has no client, and the secret is the password."""
    file = parsed.client_secret_file
    secret = read_secret(file, "--client-secret-file") if file else os.environ.get("LOCUST_SOFTPHONE_CLIENT_SECRET", "")
    if not parsed.client_id and ("token" in request_steps(dialect) or not secret):
        return SIMULATED_CREDENTIALS
    return Credentials(parsed.client_id or "", secret)


def _reached(target: Target) -> Target:
    try:
        return target.reached(REACH_S)
    except AttemptFailed as failed:
        raise InputError(
            f"--host {target.url}: {unreachable(failed.outcome, failed.detail, tls=bool(target.tls))}"
        ) from None


def _chosen(wanted: Sequence[str] | None, known: Sequence[str]) -> list[str]:
    for step in wanted or ():
        if step not in known:
            raise InputError(f"--step {quoted(step)}: not a step of this dialect, {choices(step, known)}")
    return [step for step in known if not wanted or step in wanted]


def _load(steps: Sequence[str], budget: Budget) -> str:
    """The most that a probe of these steps sends."""
    return (
        f"probes {', '.join(steps)}: for each at most {budget.most_requests:,} requests, {MOST_RATE:g} a second, and "
        f"{duration(budget.longest_s)}; see --most-requests"
    )


def _rehearse(parsed: argparse.Namespace, budget: Budget) -> int:
    """Probe the limits of the default policy in virtual time, and say what a real probe of them would spend."""
    print("nothing is sent; against limits like those of the simulated edge's default policy, a probe would do this:")
    findings: dict[str, Finding] = {}
    for step in _chosen(parsed.step, ("token", "handshake", "offer")):
        limit = getattr(Policy().limits, step)[0].limit(0.0)
        target = VirtualTarget(limit, opens_sessions=step == "handshake")
        findings[step] = probe(target, budget, foreign_share=parsed.others or 0.0, say=_sayer(step, sys.stdout.write))
    print(probe_text(findings, {}))
    return ExitCode.PASSED


def _sayer(step: str, write: Callable[[str], object] | None = None) -> Callable[[str], None]:
    def say(line: str) -> None:
        (write or sys.stderr.write)(f"{step}: {line}\n")

    return say


def _share(text: str) -> float:
    number = text.removesuffix("%")
    if not text.endswith("%") or not number.replace(".", "", 1).isdecimal() or not 0 <= float(number) <= 50:
        raise ValueError(f"{quoted(text)} is not a share, write a percentage from 0% to 50%, such as 5%")
    return float(number) / 100


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text)
    except OSError as error:
        raise InputError(f"{file}: cannot be written ({error.strerror})") from None
