"""Command-line options that several commands have."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path

from locust_softphone.commands.argument_types import checked, existing_file, whole_number
from locust_softphone.config.key_overrides import Override, parse_set, parse_sweep
from locust_softphone.config.profile_files import list_profiles, profile_folders
from locust_softphone.config.ramp import MOST_USERS
from locust_softphone.report.formats import FORMATS
from locust_softphone.swarm.option_list import AUTHORIZED, OLD_AUTHORIZED, STARTUP_OPTIONS, OldAuthorized, Option

__all__ = [
    "MOST_WORKERS",
    "TEXT",
    "add_authorized_option",
    "add_format_option",
    "add_option",
    "add_override_options",
    "add_run_options",
    "add_runs_option",
    "add_set_option",
    "complete_profiles",
    "complete_runs",
    "complete_with",
    "run_options",
]

MOST_WORKERS = 256
TEXT = "text"
"""The format for people."""


def complete_profiles(prefix: str, **_: object) -> list[str]:
    """What a shell completes for a profile: its name, or the path of a YAML file."""
    names = [profile.name for profile in list_profiles(profile_folders())]
    folder = Path(prefix) if prefix.endswith(os.sep) else Path(prefix).parent
    paths = [f"{path}{os.sep}" if path.is_dir() else str(path) for path in sorted(folder.glob("*"))]
    return names + [path for path in paths if path.endswith((".yaml", ".yml", os.sep))]


def complete_runs(parsed_args: argparse.Namespace, **_: object) -> list[str]:
    """What a shell completes for a run: the names of the finished runs in the folder of runs."""
    return sorted(path.parent.name for path in parsed_args.runs.glob("*/run.json"))


def complete_with(action: argparse.Action, completer: Callable[..., list[str]]) -> None:
    """Let the shell complete the values of an argument (argcomplete)."""
    action.completer = completer  # type: ignore[attr-defined]


def add_option(
    parser: argparse.ArgumentParser,
    name: str,
    metavar: str,
    text: str,
    *,
    kind: Callable[[str], object] = Path,
    default: str | None = None,
) -> None:
    """Add an option that a Locust run has too: also under its name there, and with the same environment variable.

    Args:
        parser: of the command.
        name: ``--runs``; Locust has it as ``--softphone-runs`` and ``LOCUST_SOFTPHONE_RUNS``. ``--users`` has only the
            name ``--softphone-users``.
        metavar: what the help shows for the value.
        text: the help.
        kind: makes the value of a text.
        default: used when neither the option nor the variable is set.
    """
    option = Option(name[2:], metavar, text)
    from_environment = os.environ.get(option.variable) or default
    parser.add_argument(
        *dict.fromkeys((option.in_command, option.in_locust)),
        type=kind,
        default=kind(from_environment) if from_environment else None,
        metavar=metavar,
        help=f"{text} [{option.variable}]",
    )


def add_runs_option(parser: argparse.ArgumentParser, text: str) -> None:
    """Add ``--runs DIR``, the folder with the run records."""
    add_option(parser, "--runs", "DIR", f"{text} (default: runs)", default="runs")


def add_format_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--format``, how a comparison is printed."""
    parser.add_argument(
        "--format",
        choices=(TEXT, *FORMATS),
        default=TEXT,
        help="text for people (default); markdown for a pull request, json for a program, junit for a CI system, "
        "openmetrics for Prometheus",
    )


def add_authorized_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--authorized``; its old spelling is read too, with a warning."""
    parser.add_argument(
        AUTHORIZED,
        action="store_true",
        help="I may load-test this host: needed for every host that is not this machine [LOCUST_SOFTPHONE_AUTHORIZED]",
    )
    parser.add_argument(
        OLD_AUTHORIZED, dest="authorized", action=OldAuthorized, default=argparse.SUPPRESS, help=argparse.SUPPRESS
    )


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of a Locust process that ``run_options`` passes on, in the words of this command line."""
    parser.add_argument("--host", metavar="URL", help="the edge (default: a simulated one)")
    add_authorized_option(parser)
    parser.add_argument(
        "--workers",
        type=whole_number(MOST_WORKERS),
        default=0,
        metavar="N",
        help="spread a run over N worker processes (default: one process)",
    )
    parser.add_argument(
        "-f",
        "--locustfile",
        type=existing_file,
        metavar="FILE",
        help="a locustfile of your own, for a custom scenario",
    )
    for option in STARTUP_OPTIONS:
        if option.secret or option.in_locust == AUTHORIZED:
            continue  # a secret on a command line can be read in the process list
        text = option.text if option.text[1].isupper() else f"{option.text[0].lower()}{option.text[1:]}"
        text = f"{text} [{option.variable}]"
        if option.metavar:
            parser.add_argument(option.in_command, dest=option.dest, metavar=option.metavar, help=text)
        else:
            parser.add_argument(option.in_command, dest=option.dest, action="store_true", help=text)


def run_options(parsed: argparse.Namespace) -> list[str]:
    """Locust's options for what ``add_run_options`` has read. What is not given is left to the environment."""
    options = ["--host", parsed.host] if parsed.host else []
    options += [AUTHORIZED] if parsed.authorized else []
    for option in STARTUP_OPTIONS:
        if value := getattr(parsed, option.dest, None):
            options += [option.in_locust, value] if option.metavar else [option.in_locust]
    return options


def add_set_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--set``, which changes the profiles, and ``--users``, short for ``--set users=N``."""
    parser.add_argument(
        "--users",
        dest="sets",
        action="append",
        default=[],
        type=_users,
        metavar="N",
        help="so many softphones, instead of the profile's number: as --set users=N",
    )
    parser.add_argument(
        "--set",
        dest="sets",
        action="append",
        default=[],
        type=checked(parse_set),
        metavar="KEY=VALUE",
        help="change a key of the profiles, such as users=200 or softphone.retry.jitter=none; can be repeated",
    )


def _users(text: str) -> Override:
    return parse_set(f"users={whole_number(MOST_USERS)(text)}")


def add_override_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--set``, ``--users`` and ``--sweep``, which change the profiles."""
    add_set_option(parser)
    parser.add_argument(
        "--sweep",
        dest="sweeps",
        action="append",
        default=[],
        type=checked(parse_sweep),
        metavar="KEY=VALUE,VALUE,…",
        help="one run for each value of a key, such as ramp=5s,8s,10s; can be repeated",
    )
