"""``locust-softphone import``: makes profiles of a JMeter plan, and explains what the plan really does."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from locust_softphone.commands.argument_types import checked
from locust_softphone.config import strict_yaml
from locust_softphone.config.policy import load_policy
from locust_softphone.config.profile import Profile
from locust_softphone.errors import ExitCode, InputError
from locust_softphone.jmeter.plan_import import ImportedPlan, import_plan
from locust_softphone.jmeter.plan_sentences import explain
from locust_softphone.jmeter.plan_text import explanation_text
from locust_softphone.jmeter.plan_tree import read_plan
from locust_softphone.jmeter.profile_yaml import profile_yaml
from locust_softphone.report.html.import_page import import_html
from locust_softphone.report.html.page import write_html
from locust_softphone.simulation.planning.prediction import prediction

__all__ = ["add_arguments", "run"]

EXAMPLES = """\
locust-softphone import plan.jmx
locust-softphone import plan.jmx -o profiles --set-var agents=500 --policy policy.yaml
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.epilog = EXAMPLES
    parser.description = (
        "Make a profile of each thread group of a JMeter plan, and explain when the plan really starts its threads and "
        "makes its samples. Everything that a profile cannot express is listed. No secret is carried over, and no file "
        "is overwritten."
    )
    parser.add_argument("plan", type=Path, metavar="PLAN.jmx", help="the JMeter plan")
    parser.add_argument(
        "-o", "--output", type=Path, default=Path(), metavar="FOLDER", help="where profiles are written (default: here)"
    )
    parser.add_argument(
        "--set-var",
        dest="variables",
        action="append",
        default=[],
        type=checked(_variable),
        metavar="NAME=VALUE",
        help="the value of a variable, of a property (jmeter -J) or of a function of the plan; can be repeated",
    )
    parser.add_argument(
        "--policy", type=Path, metavar="FILE", help="predict what a simulated edge with this policy would do"
    )
    parser.add_argument("--html", type=Path, metavar="FILE", help="also write the explanation as a page")


def run(parsed: argparse.Namespace) -> int:
    """Import the plan, print the explanation, and write the profiles."""
    path: Path = parsed.plan
    imported = import_plan(read_plan(_text(path), str(path)), path.stem, dict(parsed.variables))
    if not imported.groups and not imported.missing:
        raise InputError(f"{path}: it has no enabled thread group that can be imported")
    texts = {group.name: profile_yaml(group, path.name) for group in imported.groups}
    profiles = {name: strict_yaml.loads(text, Profile, name=f"{name}.yaml") for name, text in texts.items()}
    files = {parsed.output / f"{name}.yaml": text for name, text in texts.items()}
    explanation = explain(imported, _predicted(parsed.policy, profiles))
    _write(files)
    sys.stdout.write(explanation_text(explanation, shutil.get_terminal_size().columns))
    if parsed.html:
        write_html(import_html(explanation, path.name), parsed.html)
        print(f"\npage: {parsed.html}")
    for file in files:
        print(f"\nwritten: {file}\nrun it: locust-softphone run {file}")
    return _report_missing(imported, path)


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name.strip() or not equals:
        raise ValueError(f"{text!r} has no value, write NAME=VALUE")
    return name.strip(), value


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not UTF-8; save the plan in JMeter again") from None


def _predicted(policy_file: Path | None, profiles: dict[str, Profile]) -> dict[str, list[str]]:
    """What a simulated edge would do with each profile."""
    if policy_file is None:
        return {}
    policy = load_policy(policy_file)
    return {name: prediction(profile, policy) for name, profile in profiles.items()}


def _write(files: dict[Path, str]) -> None:
    """Write all files or none."""
    if there := [path for path in files if path.exists()]:
        raise InputError(*(f"{path}: exists already and is not overwritten; name another -o FOLDER" for path in there))
    try:
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
    except OSError as error:
        raise InputError(f"{error.filename}: cannot be written ({error.strerror})") from None


def _report_missing(imported: ImportedPlan, path: Path) -> int:
    for line in imported.missing:
        print(f"{path}: {line}", file=sys.stderr)
    return ExitCode.BAD_INPUT if imported.missing else ExitCode.PASSED
