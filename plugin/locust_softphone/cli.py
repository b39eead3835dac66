"""The ``locust-softphone`` command: reads the command line and calls one function of ``commands/``."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, NoReturn

from locust_softphone import __version__
from locust_softphone.errors import ExitCode, InputError
from locust_softphone.report.standard_output import check_open, discard_unwritten, is_unwritable
from locust_softphone.signaling.core_dumps import switch_off_core_dumps
from locust_softphone.swarm.option_list import COMMAND_VARIABLE, as_typed
from locust_softphone.text import choices, nearest, quoted

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

__all__ = ["COMMANDS", "command_parser", "main", "parse"]

DESCRIPTION = """\
Load-test WebRTC softphone signaling with Locust.

Exit codes: 0 every expectation held · 1 an expectation failed, or a metric is worse than in the baseline · 2 bad input,
explained in one line · 3 a run is missing or not valid · 4 the output cannot be written. The most serious of several
counts, in the order 2, 4, 3, 1, 0.
"""

EXAMPLES = """\
examples:
  locust-softphone run smoke
  locust-softphone init load-test
  locust-softphone compare burst-500 paced-50
  locust-softphone run --help
"""

COMMANDS = {
    "init": "write a locustfile, a profile and a policy to start with",
    "run": "run one profile",
    "ui": "start the web UI",
    "compare": "run profiles and report what made the difference",
    "simulate": "run profiles in virtual time, in seconds",
    "probe": "find out which limits an edge has, and how large they are",
    "plan": "find the shortest ramp that holds",
    "import": "make profiles of a JMeter plan",
    "matrix": "simulate remedies against kinds of limits",
    "report": "compare runs that are finished",
    "baseline": "store runs that later runs are compared with",
    "describe": "explain what a profile will do",
    "profiles": "list the profiles",
    "edge": "run the simulated edge",
    "schema": "print the JSON Schema of a kind of file",
    "completion": "print what makes a shell complete this command",
}
"""Each command with its line in the help."""

_MODULES = {"run": "run_profile", "import": "import_jmx"}
"""The modules in ``commands/`` that are not named like their command: module names are unique in the package."""

_PASS_ON = ("run", "ui")
"""Commands that give everything after ``--`` to Locust."""

INTERRUPTED, PIPE_CLOSED = 130, 141  # what a shell shows for a program that SIGINT or SIGPIPE ended


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that ``arguments`` name; returns the exit code."""
    if "_ARGCOMPLETE" in os.environ:
        _complete()
    switch_off_core_dumps()
    words = sys.argv[1:] if arguments is None else list(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        return _run(words)
    except BrokenPipeError:
        discard_unwritten()
        return PIPE_CLOSED
    except OSError as error:
        if not is_unwritable(error):
            raise
        discard_unwritten()
        with suppress(OSError):  # it can be stderr
            print(f"locust-softphone: the output cannot be written ({error.strerror})", file=sys.stderr)
        return ExitCode.OUTPUT
    except KeyboardInterrupt:
        return INTERRUPTED


def _complete() -> None:
    """Answer a shell that completes a command line, and exit."""
    import argcomplete

    words = os.environ["COMP_LINE"].split()
    argcomplete.autocomplete(_parser(words[1:]), always_complete_options="long")


def _run(words: Sequence[str]) -> int:
    check_open()
    try:
        parsed = parse(words)
        run: Callable[[argparse.Namespace], int] = parsed.run
        return run(parsed)
    except InputError as error:
        print(as_typed(str(error), {COMMAND_VARIABLE: "locust-softphone"}), file=sys.stderr)
        return ExitCode.BAD_INPUT
    finally:
        sys.stdout.flush()


def parse(words: Sequence[str]) -> argparse.Namespace:
    """Read the words of a command line, without the program's name; ``run`` of the result runs the command.

    Raises:
        InputError: a word is wrong or missing.
    """
    words, locust_options = list(words), []
    name = _named(words)
    if name is not None and name not in COMMANDS:
        raise InputError(f"locust-softphone: {quoted(name)} is not a command, {choices(name, COMMANDS)}")
    if name in _PASS_ON and "--" in words:
        end = words.index("--")
        words, locust_options = words[:end], words[end + 1 :]
    parsed, unknown = _parser(words).parse_known_args(words, argparse.Namespace(locust_options=locust_options))
    if unknown:
        raise InputError(_unknown(unknown, str(name)))
    return parsed


def _unknown(words: list[str], name: str) -> str:
    """What is wrong with words that no argument of a command takes."""
    command = f"locust-softphone {name}"
    option = next((word.partition("=")[0] for word in words if word.startswith("-")), None)
    if option is None:
        return f"{command}: {quoted(words[0])} is one argument too many; see {command} --help"
    shown = (each for each in command_parser(name)._actions if each.help != argparse.SUPPRESS)
    near = nearest(option.replace("--softphone-", "--"), [text for each in shown for text in each.option_strings])
    advice = f"did you mean {near}?" if near else f"see {command} --help"
    for_locust = "options of Locust come after --; " if name in _PASS_ON else ""
    return f"{command}: {quoted(option)} is not an option, {for_locust}{advice}"


def _named(words: Sequence[str]) -> str | None:
    """The command that the words name, if any."""
    return next((word for word in words if not word.startswith("-")), None)


class _Help(argparse.HelpFormatter):
    """Wraps a description, and shows examples as they are: a command's epilog has one in each line."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if not text.startswith("locust-softphone "):
            return super()._fill_text(text, width, indent)
        return "\n".join(["examples:", *(f"  {line}" for line in text.splitlines())])


class _Parser(argparse.ArgumentParser):
    """A parser that reports an error in one line, like all other errors here."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{self.prog}: {message}; see {self.prog} --help")

    def _print_message(self, message: str, file: SupportsWrite[str] | None = None) -> None:
        """Print the help or the version; argparse itself ignores that it cannot be written."""
        (file or sys.stdout).write(message)


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    """The parser for these words. Only the command that they name is imported: the others would take longer to load."""
    parser = _Parser(
        prog="locust-softphone",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    parsers = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    named = _named(words)
    for name, summary in COMMANDS.items():
        subparser = parsers.add_parser(name, help=summary, formatter_class=_Help)
        if name == named:
            _add_command(name, subparser)
    return parser


def command_parser(name: str) -> argparse.ArgumentParser:
    """The parser of one command."""
    parser = _Parser(prog=f"locust-softphone {name}", formatter_class=_Help)
    _add_command(name, parser)
    return parser


def _add_command(name: str, parser: argparse.ArgumentParser) -> None:
    command = import_module(f"locust_softphone.commands.{_MODULES.get(name, name)}")
    command.add_arguments(parser)
    parser.set_defaults(run=command.run)


if __name__ == "__main__":
    sys.exit(main())
