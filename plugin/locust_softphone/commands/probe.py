"""``locust-softphone probe``: finds out which limits an edge has, and writes them as a policy file, the twin."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from locust_softphone.commands.argument_types import checked, whole_number
from locust_softphone.commands.arguments import add_authorized_option, add_option
from locust_softphone.commands.probe_record import probe_record
from locust_softphone.commands.probed_edge import SECOND_CLIENTS, ProbedEdge
from locust_softphone.commands.twin import ProbedStep, twin
from locust_softphone.config.policy import Policy
from locust_softphone.config.units import parse_duration
from locust_softphone.errors import ExitCode, InputError
from locust_softphone.probing.experiment import MOST_RATE, probe
from locust_softphone.probing.finding import Finding
from locust_softphone.probing.key_experiment import shares_limit
from locust_softphone.probing.probe_budget import DEFAULT_BUDGET, Budget
from locust_softphone.probing.virtual_target import VirtualTarget
from locust_softphone.report.probe_text import probe_text
from locust_softphone.signaling.wire_target import WireTarget, probed_steps
from locust_softphone.text import choices, duration, quoted

__all__ = ["add_arguments", "run"]

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
        "--second-client-id",
        metavar="ID",
        help="find out whether limits count by OAuth client: another client to ask with, of the same organisation",
    )
    parser.add_argument(
        "--second-client-secret-file", type=Path, metavar="FILE", help="file with only that client's secret"
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
    wire = ProbedEdge.of(parsed)
    steps = _chosen(parsed.step, probed_steps(wire.dialect(parsed.source_address)))
    for file in (parsed.twin, parsed.record):
        if file is not None:
            _write(file, "")  # a file that cannot be written is reported before anything is sent
    sys.stderr.write(f"{_load(steps, budget)}\n")
    probed: list[ProbedStep] = []
    failed: InputError | None = None
    for step in steps:
        try:
            probed.append(_probe_step(wire, step, budget, parsed))
        except InputError as error:  # what is known of the other steps is not lost
            failed = failed or error
            continue
        if probed[-1].finding.spent == "interrupted":
            break
    if failed and not probed:
        raise failed
    findings = {each.name: each.finding for each in probed}
    keys = {each.name: each.counts_by for each in probed if each.finding.best is not None}
    print(probe_text(findings, keys))
    print(_caveat(wire.others(parsed.others)))
    _write(parsed.twin, twin(wire.url, probed))
    print(f"the twin: {parsed.twin}")
    if parsed.record is not None:
        _write(parsed.record, json.dumps(probe_record(wire.url, probed)) + "\n")
    if failed:
        raise failed
    unexplained = any(each.diagnosis.refused and each.best is None for each in findings.values())
    return ExitCode.INVALID if unexplained else ExitCode.PASSED


def _probe_step(wire: ProbedEdge, step: str, budget: Budget, parsed: argparse.Namespace) -> ProbedStep:
    """Probe one step; with a second address, also what the limit counts by."""
    with _target(wire, parsed.source_address, step) as target:
        finding = probe(target, budget, foreign_share=wire.others(parsed.others), say=_sayer(step))
        shared: dict[str, bool | None] = {}
        if not finding.spent and finding.best is not None:
            try:
                _find_key(wire, target, finding, step, parsed, shared)
            except KeyboardInterrupt:
                finding = replace(finding, spent="interrupted")
        status = target.refusals.most_common(1)[0][0] if target.refusals else 0
        told = sum(each is not None for each in target.told_s) > len(target.told_s) / 2
        return ProbedStep(step, finding, status, told, shared, dict(target.failures), target.dropped)


def _find_key(
    wire: ProbedEdge,
    target: WireTarget,
    finding: Finding,
    step: str,
    parsed: argparse.Namespace,
    shared: dict[str, bool | None],
) -> None:
    """Fill in, for each part of a key of which there is a second one, whether both share the limit."""
    for part, other_wire, address in _second_keys(wire, step, parsed):
        if part == "client" and shared.get("token") is False:
            continue  # another client has another token
        _sayer(step)(f"asks with a second {part}")
        with _target(other_wire, address, step, first_number=SECOND_CLIENTS) as other:
            shared[part] = shares_limit(target, other, finding)


def _second_keys(
    wire: ProbedEdge, step: str, parsed: argparse.Namespace
) -> Iterator[tuple[str, ProbedEdge, str | None]]:
    """What a limit may count by, and how another one of it reaches the edge."""
    if step != "token":
        yield "token", wire, parsed.source_address
    if wire.second is not None:
        yield "client", wire.as_second_client(wire.second), parsed.source_address
    if parsed.second_address:
        yield "address", wire, parsed.second_address


@contextmanager
def _target(wire: ProbedEdge, address: str | None, step: str, first_number: int = 0) -> Iterator[WireTarget]:
    needs_tls = wire.account.hosts.api.needs_tls
    target = WireTarget(wire.dialect(address), step, first_number=first_number, needs_tls=needs_tls)
    try:
        yield target
    finally:
        target.end()


def _caveat(share: float) -> str:
    if not share:
        return "The bounds hold if no other client used these limits at the same time; otherwise say so with --others."
    return (
        f"Not certain: this allows for other clients that use {share:.0%} of each limit at the same time. If they use "
        "more, kinds and bounds may be wrong; say so with --others."
    )


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
