"""``locust-softphone``: everything that is not Locust itself.

Exit codes: 0 every expectation held · 1 one failed · 2 bad input, said in one line · 3 a run is missing or not valid.
Of several the gravest counts, in the order 2, 3, 1, 0: what could not be run or read, before what cannot be trusted,
before what failed.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import ssl
import sys
import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from locust_softphone import __version__
from locust_softphone.errors import InputError

if TYPE_CHECKING:
    from locust_softphone.config.profile import Profile
    from locust_softphone.report.comparison import Comparison

__all__ = ["main"]

BAD_INPUT = 2
INTERRUPTED, PIPE_CLOSED = 130, 141  # as a shell shows a program that SIGINT or SIGPIPE ended
TEXT = "text"
FORMATS = (TEXT, "markdown", "json", "junit", "openmetrics")
MOST_REPEATS = 1000
MOST_WORKERS = 256


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a sub-command; returns its exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        parsed = _parser().parse_args(arguments)
        command: Callable[[argparse.Namespace], int] = parsed.command
        exit_code = command(parsed)
        sys.stdout.flush()
    except InputError as error:
        print(error, file=sys.stderr)
        return BAD_INPUT
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains as it flushes at the end
        return PIPE_CLOSED
    except KeyboardInterrupt:
        return INTERRUPTED
    return exit_code


class _Parser(argparse.ArgumentParser):
    """A parser whose complaints are one line, as all of ours are."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{self.prog}: {message}; see {self.prog} --help")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="locust-softphone", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_compare(commands.add_parser("compare", help="run profiles and say what made the difference"))
    _add_report(commands.add_parser("report", help="compare runs that are over"))
    _add_describe(commands.add_parser("describe", help="say what a profile will do"))
    _add_profiles(commands.add_parser("profiles", help="list the profiles"))
    _add_edge(commands.add_parser("edge", help="run the simulated edge"))
    return parser


# compare


def _add_compare(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Run profiles one after the other, each in a fresh Locust process, and compare them. Without --host each has a "
        "fresh simulated edge. The client's id and secret are taken from LOCUST_SOFTPHONE_CLIENT_ID and "
        "LOCUST_SOFTPHONE_CLIENT_SECRET, or the secret from a file. Ctrl-C ends it early: what is finished is kept and "
        "compared."
    )
    parser.add_argument(
        "profiles", nargs="*", metavar="PROFILE", help="name or file (default: the burst and its remedies)"
    )
    parser.add_argument(
        "--repeat", type=_repeats, default=1, metavar="N", help="run each so often, in turn (default: 1)"
    )
    parser.add_argument(
        "--workers", type=_workers, default=0, metavar="N", help="spread each run over so many processes (default: one)"
    )
    parser.add_argument("--host", metavar="URL", help="the edge (default: a simulated one for each run)")
    parser.add_argument(
        "--pause",
        type=_duration,
        metavar="DURATION",
        help="wait so long between two runs (default: 60s with --host, whose limits the run before may have used up)",
    )
    parser.add_argument(
        "--authorized",
        "--softphone-authorized",
        action="store_true",
        help="I may load-test this host: needed for any that is not this machine",
    )
    _add_runs(parser, "where run records are written (default: runs)")
    _add_format(parser)
    _add_file(parser, "--ca", "FILE", "PEM file of a private certificate authority to trust instead of the system's")
    _add_file(parser, "--client-secret-file", "FILE", "file with nothing but the OAuth client secret")
    _add_file(parser, "--policy", "FILE", "policy of the simulated edges")
    parser.set_defaults(command=_compare)


def _add_format(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--format",
        choices=FORMATS,
        default=TEXT,
        help="text for people (default); markdown for a pull request, json for a program, junit for a CI system, "
        "openmetrics for Prometheus",
    )


def _add_runs(parser: argparse.ArgumentParser, text: str) -> None:
    _add_file(parser, "--runs", "DIR", text, default="runs")


def _add_file(parser: argparse.ArgumentParser, name: str, metavar: str, text: str, default: str | None = None) -> None:
    """An option with a path, under Locust's name for it too, and with the same environment variable."""
    from_environment = os.environ.get(f"LOCUST_SOFTPHONE_{name[2:].replace('-', '_').upper()}") or default
    parser.add_argument(
        name,
        f"--softphone-{name[2:]}",
        type=Path,
        default=Path(from_environment) if from_environment else None,
        metavar=metavar,
        help=text,
    )


def _repeats(text: str) -> int:
    return _whole_number(text, MOST_REPEATS)


def _workers(text: str) -> int:
    return _whole_number(text, MOST_WORKERS)


def _duration(text: str) -> float:
    from locust_softphone.config.units import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _whole_number(text: str, most: int) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= most:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 to {most}, not {text!r}")
    return int(text)


def _compare(parsed: argparse.Namespace) -> int:
    from locust_softphone.commands import compare
    from locust_softphone.commands.locust_process import Interruptions
    from locust_softphone.commands.progress import watching
    from locust_softphone.config.profile import profile_folders
    from locust_softphone.report import history
    from locust_softphone.report.comparison import compare_runs

    plans = compare.plans(parsed.profiles or compare.DEFAULT_SET, profile_folders(), repeat=parsed.repeat)
    arguments = compare.Arguments(
        runs=parsed.runs.absolute(),
        host=parsed.host,
        authorized=parsed.authorized,
        ca=parsed.ca and parsed.ca.absolute(),
        policy=parsed.policy and parsed.policy.absolute(),
        secret_file=parsed.client_secret_file and parsed.client_secret_file.absolute(),
        workers=parsed.workers,
    )
    folder = compare.new_folder(arguments.runs)
    pause_s = compare.pause_for(parsed.pause, parsed.host)
    names = [plan.name for plan in plans]
    planned_s = [plan.planned_s + (pause_s if number else 0.0) for number, plan in enumerate(plans)]
    live = sys.stdout.isatty() and sys.stderr.isatty()
    with Interruptions() as stop, watching(names, planned_s, out=sys.stderr, live=live) as watch:
        results = list(compare.run_all(plans, arguments, folder, watch, stop, pause_s))
    records, problems = history.read_records(each.record for each in results if each.record and not each.missing)
    if records:
        comparison = compare_runs(records)
        _show(comparison, parsed.format)
        _write_page(comparison, parsed.runs / folder.name / "comparison.html", parsed.format)
    if records and parsed.format == TEXT:
        print(f"again: locust-softphone report {parsed.runs / folder.name}")
    if missing := [f"{each.plan.name} ({each.missing})" for each in results if each.missing]:
        problems.append(f"missing from the comparison: {', '.join(missing)}")
    for line in problems:
        print(line, file=sys.stderr)
    return compare.worst(each.exit_code for each in results)


# report


def _add_report(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Compare runs from their records, whenever and wherever they were made. Without RUN, list the runs that there "
        "are: when, which profile, against what, what came of it, and the name to give as RUN."
    )
    parser.add_argument(
        "names",
        nargs="*",
        metavar="RUN",
        help="a run.json, a run's folder, a folder of runs, or the name of one in the folder of --runs",
    )
    _add_runs(parser, "where runs are looked for by name (default: runs)")
    _add_format(parser)
    parser.add_argument(
        "--html",
        type=_html_file,
        metavar="FILE",
        help="write it as a page too, with charts: one file that needs no other",
    )
    parser.set_defaults(command=_report)


def _html_file(text: str) -> Path:
    path = Path(text)
    if path.suffix not in (".html", ".htm"):  # nobody's run.json is written over
        raise argparse.ArgumentTypeError(f"must end in .html, not {text!r}")
    return path


def _report(parsed: argparse.Namespace) -> int:
    from locust_softphone.commands import compare
    from locust_softphone.report import history
    from locust_softphone.report.comparison import compare_runs

    if not parsed.names:
        if parsed.format != TEXT:
            raise InputError(f"--format {parsed.format}: name the runs; without RUN they are listed, as text")
        if parsed.html:
            raise InputError(f"--html {parsed.html}: name the runs that it is to be of")
        return _list(parsed.runs)
    records, problems = history.read_records(history.find(name, parsed.runs) for name in parsed.names)
    if records:
        comparison = compare_runs(records)
        _show(comparison, parsed.format)
        if parsed.html:
            _write_page(comparison, parsed.html, parsed.format)
    for line in problems:
        print(line, file=sys.stderr)
    return compare.worst([*(record["exit_code"] for record in records), *(BAD_INPUT for _ in problems)])


def _list(folder: Path) -> int:
    from locust_softphone.report import history

    lines, problems = history.listing(folder)
    print("\n".join(lines or [f"no runs in {folder}"]))
    for line in problems:
        print(line, file=sys.stderr)
    return BAD_INPUT if problems else 0


def _show(comparison: Comparison, form: str) -> None:
    from locust_softphone.report.terminal import render

    if form != TEXT:
        from locust_softphone.report.formats import FORMATS

        sys.stdout.write(FORMATS[form](comparison))
    else:
        colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        sys.stdout.write(render(comparison, width=_width(), colour=colour))


def _write_page(comparison: Comparison, path: Path, form: str) -> None:
    """Write the page and say where it is, after the text, or beside what another program reads."""
    from locust_softphone.report.html import comparison_html, write_html

    write_html(comparison_html(comparison), path)
    print(f"\npage: {path}" if form == TEXT else f"page: {path}", file=sys.stdout if form == TEXT else sys.stderr)


# describe, profiles


def _add_describe(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Say in a few lines what a profile will do; with --dry-run also every request that a softphone of it would "
        "make, secrets masked. None is sent: a simulated edge on this machine answers in place of the real one."
    )
    parser.add_argument("profile", metavar="PROFILE", help="name or file")
    parser.add_argument("--dry-run", action="store_true", help="show the requests, and send none")
    parser.add_argument("--host", metavar="URL", help="with --dry-run: the edge that they would go to")
    parser.add_argument(
        "--region",
        "--softphone-region",
        metavar="REGION",
        default=os.environ.get("LOCUST_SOFTPHONE_REGION"),
        help="with --dry-run: the region of Genesys Cloud that they would go to (default: us-east-1)",
    )
    _add_file(parser, "--users", "FILE", "with --dry-run: CSV file of the users whose softphones these are")
    parser.add_argument(
        "--call-to",
        "--softphone-call-to",
        metavar="NUMBER",
        default=os.environ.get("LOCUST_SOFTPHONE_CALL_TO"),
        help="with --dry-run: whom the softphones would call",
    )
    parser.set_defaults(command=_describe)


def _describe(parsed: argparse.Namespace) -> int:
    from locust_softphone.config.profile import load_profile, profile_folders

    profile = load_profile(parsed.profile, profile_folders())
    for line in (profile.about, *profile.describe()):
        print("\n".join(textwrap.wrap(line, _width(), subsequent_indent="  ", break_on_hyphens=False)))
    if parsed.dry_run:
        _dry_run(parsed, profile)
    return 0


def _dry_run(parsed: argparse.Namespace, profile: Profile) -> None:
    import locust_softphone.swarm.options  # noqa: F401 - Locust patches ssl, and has to come first
    from locust_softphone.commands.dry_run import dry_run
    from locust_softphone.signaling.dialects.genesys_cloud.regions import DEFAULT_REGION, hosts_of
    from locust_softphone.signaling.dialects.genesys_cloud.users import load_users
    from locust_softphone.signaling.hosts import Hosts
    from locust_softphone.signaling.target import Target

    if parsed.host and parsed.region:
        raise InputError("--region: its hosts are the edge, and --host names another; give one of the two")
    if profile.dialect != "genesys-cloud" and not parsed.host:
        raise InputError(f"--dry-run: {profile.name} speaks {profile.dialect}, so it needs the --host of an edge")
    hosts = Hosts.one(Target.parse(parsed.host)) if parsed.host else hosts_of(parsed.region or DEFAULT_REGION)
    users = load_users(parsed.users) if parsed.users else ()
    print(f"\nwhat one of {profile.users} softphones would send; nothing is sent, a simulated edge answers:\n")
    dry_run(profile, hosts, users, parsed.call_to, print)
    print(f"\nthe run: {profile.describe_starts()}; {profile.describe_attempts()}")


def _add_profiles(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "List the profiles that can be named: those in ./scenarios, then those that come with the package."
    )
    parser.set_defaults(command=_profiles)


def _profiles(parsed: argparse.Namespace) -> int:
    from locust_softphone.config.profile import list_profiles, profile_folders

    found = list_profiles(profile_folders())
    longest = max((len(profile.name) for profile in found), default=0)
    for profile in found:
        first_sentence = profile.about.partition(". ")[0].removesuffix(".")
        print(f"{profile.name:{longest}}  {first_sentence}".rstrip())
    return 0


def _width() -> int:
    return shutil.get_terminal_size().columns


# edge


def _add_edge(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: loopback)")
    parser.add_argument("--port", type=int, default=8080, help="port to listen on; 0 for any (default: 8080)")
    parser.add_argument("--policy", type=Path, metavar="FILE", help="limits and timings (default: the built-in policy)")
    parser.add_argument("--tls-cert", type=Path, metavar="FILE", help="PEM certificate: serve https and wss")
    parser.add_argument("--tls-key", type=Path, metavar="FILE", help="PEM key that belongs to it")
    parser.add_argument("--stats", type=Path, metavar="FILE", help="write the counters there at the end, as GET /stats")
    parser.add_argument("--until-stdin-closes", action="store_true", help="end when standard input does")
    parser.set_defaults(command=_edge)


def _edge(parsed: argparse.Namespace) -> int:
    from locust_softphone.edge import Policy, load_policy, serve

    if parsed.stats:
        _write(parsed.stats, "")  # what cannot be written is said now, not when there is something to lose

    def ended_with(stats: Mapping[str, Any]) -> None:
        if parsed.stats:
            _write(parsed.stats, json.dumps(stats) + "\n")

    serve(
        host=parsed.host,
        port=parsed.port,
        policy=load_policy(parsed.policy) if parsed.policy else Policy(),
        ssl_context=_tls(parsed.tls_cert, parsed.tls_key),
        ready_to=lambda url: print(f"listening on {url}", flush=True),
        until_stdin_closes=parsed.until_stdin_closes,
        ended_with=ended_with,
    )
    return 0


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text)
    except OSError as error:
        raise InputError(f"--stats {file}: cannot be written ({error.strerror})") from None


def _tls(certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    """The edge's side of TLS; the key may be in the certificate's file."""
    if certificate is None:
        if key is not None:
            raise InputError(f"--tls-key {key}: needs --tls-cert FILE, the certificate that it belongs to")
        return None
    for name, file in (("--tls-cert", certificate), ("--tls-key", key)):
        try:
            if file is not None:
                file.open("rb").close()
        except OSError as error:
            raise InputError(f"{name} {file}: cannot be read ({error.strerror})") from None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certificate, key, password=lambda: "")  # never ask for a passphrase on the terminal
    except (ssl.SSLError, OSError):
        both = f"--tls-cert {certificate}" + (f" --tls-key {key}" if key else "")
        raise InputError(f"{both}: no PEM certificate with its own key, which must not be encrypted") from None
    return context


if __name__ == "__main__":
    sys.exit(main())
