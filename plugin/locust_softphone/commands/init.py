"""``locust-softphone init``: writes a locustfile, a profile and a policy to start with; it never overwrites a file."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from locust_softphone.commands.locust_process import packaged_locustfile
from locust_softphone.errors import ExitCode, InputError
from locust_softphone.schemas.files import POLICY_SCHEMA, PROFILE_SCHEMA

__all__ = ["add_arguments", "run"]

EXAMPLES = """\
locust-softphone init
locust-softphone init load-test
"""
_STARTER = Path(__file__).with_name("starter")
_PROFILE, _POLICY = "my-profile.yaml", "policy.yaml"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.epilog = EXAMPLES
    parser.description = (
        "Write what a load test starts with: a locustfile, a profile and a policy of the simulated edge, with "
        "comments, and the JSON Schemas with which an editor completes their keys. No file is overwritten."
    )
    parser.add_argument(
        "folder", nargs="?", type=Path, default=Path(), metavar="FOLDER", help="where; it is created (default: here)"
    )


def run(parsed: argparse.Namespace) -> int:
    """Write the files, all or none."""
    folder: Path = parsed.folder
    files = {
        folder / "locustfile.py": packaged_locustfile(),
        folder / _PROFILE: _STARTER / "profile.yaml",
        folder / _POLICY: _STARTER / "policy.yaml",
        folder / "schemas" / PROFILE_SCHEMA.name: PROFILE_SCHEMA,
        folder / "schemas" / POLICY_SCHEMA.name: POLICY_SCHEMA,
    }
    if there := [path for path in files if path.exists()]:
        named, verbs = ", ".join(map(str, there)), ("exist", "are") if there[1:] else ("exists", "is")
        raise InputError(f"{named}: {verbs[0]} already and {verbs[1]} not overwritten; name another FOLDER")
    try:
        for path, source in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                file.write(source.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{error.filename or folder}: cannot be written ({error.strerror})") from None
    print(*files, sep="\n")
    go = f"cd {shlex.quote(str(folder))} && " if folder != Path() else ""
    print(f"\nrun it: {go}locust-softphone run {_PROFILE} --policy {_POLICY}")
    return ExitCode.PASSED
