"""``locust-softphone schema``: prints the JSON Schema of a kind of file."""

from __future__ import annotations

import argparse
import sys

from locust_softphone.errors import ExitCode
from locust_softphone.schemas.files import SCHEMAS

__all__ = ["add_arguments", "run"]

EXAMPLES = """\
locust-softphone schema profile
locust-softphone schema run > run.schema.json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.epilog = EXAMPLES
    parser.description = (
        "Print the JSON Schema of profiles, of policies, of run records (run.json) or of what report --format json "
        "prints (comparison). An editor with YAML support completes the keys of a file that begins with a line "
        "# yaml-language-server: $schema=FILE."
    )
    parser.add_argument("name", choices=SCHEMAS, help=f"one of {', '.join(SCHEMAS)}", metavar="KIND")


def run(parsed: argparse.Namespace) -> int:
    """Print the schema."""
    sys.stdout.write(SCHEMAS[parsed.name].read_text(encoding="utf-8"))
    return ExitCode.PASSED
