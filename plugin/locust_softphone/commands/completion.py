"""``locust-softphone completion``: prints what makes a shell complete this command, its options, profiles and runs.

The shell asks this program for each completion (argcomplete), so that the profiles of the working directory are known
and that a new option needs no new script.
"""

from __future__ import annotations

import argparse

from argcomplete.shell_integration import shellcode

from locust_softphone.errors import ExitCode

__all__ = ["add_arguments", "run"]

EXAMPLES = """\
locust-softphone completion bash >> ~/.bashrc
locust-softphone completion zsh >> ~/.zshrc
locust-softphone completion fish > ~/.config/fish/completions/locust-softphone.fish
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.epilog = EXAMPLES
    parser.description = (
        "Print the lines that make a shell complete locust-softphone: commands, options, profiles, runs."
    )
    parser.add_argument("shell", choices=("bash", "zsh", "fish"), help="bash, zsh or fish", metavar="SHELL")


def run(parsed: argparse.Namespace) -> int:
    """Print the script."""
    print(shellcode(["locust-softphone"], shell=parsed.shell))
    return ExitCode.PASSED
