"""docs/options.md: every option of a run and of every command, from the parsers themselves."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

from locust_softphone.cli import COMMANDS, command_parser
from locust_softphone.swarm.option_list import PROFILE, STARTUP_OPTIONS

__all__ = ["OPTIONS_PAGE", "options_page"]

OPTIONS_PAGE = Path(__file__).parents[3] / "docs" / "options.md"

_HEAD = """\
# Options

This page is generated from the parsers (`python -m locust_softphone.schemas.generate`).

## Options of a run

`locust` and `locust-softphone run` have the same options, under two names: Locust has a `--profile` and a `--users` of
its own. The environment variable is the same. A command line counts more than the environment, and the environment more
than Locust's configuration files, where the key is the name without its dashes.

| `locust` | `locust-softphone run`, `ui` | environment variable | default | meaning |
|---|---|---|---|---|
"""
_AFTER = """
Locust's own options are in [its documentation](https://docs.locust.io/en/stable/configuration.html); in
`locust-softphone run` and `ui` they come after `--`. Locust prints its `--help` before it reads a locustfile, so
`locust --help` does not show the options above; `locust-softphone ui -- --help` shows both.

`locust -f` takes a file or a folder, not the name of an installed package. `locust-softphone run` and `ui` use the
locustfile of this package; a worker can get it from its master: `locust --worker -f - --master-host MASTER`.
"""


def options_page() -> str:
    """The page as Markdown."""
    rows = "".join(f"| {' | '.join(cells)} |\n" for cells in _run_options())
    return f"{_HEAD}{rows}{_AFTER}{''.join(map(_command, COMMANDS))}"


def _run_options() -> Iterator[tuple[str, ...]]:
    for option in (PROFILE, *STARTUP_OPTIONS):
        value = f" {option.metavar}" if option.metavar else ""
        here = "PROFILE" if option is PROFILE else f"{option.in_command}{value}"
        default = f"`{option.default}`" if option.default else ""
        names = f"`{option.in_locust}{value}`", "" if option.secret else f"`{here}`", f"`{option.variable}`"
        yield tuple(cell.replace("|", "\\|") for cell in (*names, default, f"{_without_default(option.text)}."))


def _without_default(text: str) -> str:
    return re.sub(r" \(default: \w+\)$", "", text)


def _command(name: str) -> str:
    parser = command_parser(name)
    description = parser.description or ""
    examples = (parser.epilog or "").strip()
    rows = "".join(f"| {' | '.join(cells)} |\n" for cells in _arguments(parser))
    table = f"| argument | meaning | environment variable |\n|---|---|---|\n{rows}\n" if rows else ""
    return f"\n## locust-softphone {name}\n\n{description}\n\n{table}```sh\n{examples}\n```\n"


def _arguments(parser: argparse.ArgumentParser) -> Iterator[tuple[str, str, str]]:
    for action in parser._actions:
        if action.help == argparse.SUPPRESS or action.dest == "help":
            continue
        text, variable = re.fullmatch(r"(.*?)(?: \[(LOCUST_\w+)\])?", action.help or "", re.DOTALL).groups()  # type: ignore[union-attr]
        value = "" if action.nargs == 0 else f" {action.metavar or '|'.join(map(str, action.choices or ()))}"
        names = ", ".join(f"`{name}{value}`" for name in action.option_strings) or f"`{value.strip()}`"
        yield (
            names.replace("|", "\\|"),
            text.replace("|", "\\|").replace("%%", "%"),
            f"`{variable}`" if variable else "",
        )
