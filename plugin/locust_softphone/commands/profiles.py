"""``locust-softphone profiles``: lists the profiles that can be named."""

from __future__ import annotations

import argparse
import shutil
import sys
from textwrap import wrap

from locust_softphone.config.profile_files import list_profiles, profile_folders
from locust_softphone.errors import ExitCode

__all__ = ["add_arguments", "run"]


EXAMPLES = """\
locust-softphone profiles
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments: it has none."""
    parser.epilog = EXAMPLES
    parser.description = (
        "List the profiles that can be named: those of this folder, those of its scenarios/, then those of the package."
    )


def run(parsed: argparse.Namespace) -> int:
    """Print a line for each profile: its name and the first sentence of its first comment."""
    found = list_profiles(profile_folders())
    longest = max((len(profile.name) for profile in found), default=0)
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None  # a program gets a line for each
    for profile in found:
        first_sentence = profile.about.partition(". ")[0].removesuffix(".")
        print("\n".join(_lines(f"{profile.name:{longest}}  ", first_sentence, width)))
    return ExitCode.PASSED


def _lines(name: str, text: str, width: int | None) -> list[str]:
    """The name, and the text beside it, wrapped to a width."""
    if width is None or not text:
        return [f"{name}{text}".rstrip()]
    widest = max(width, len(name) + 20)
    return wrap(text, widest, initial_indent=name, subsequent_indent=" " * len(name), break_on_hyphens=False)
