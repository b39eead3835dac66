"""The options of the gate, ``--against`` and ``--tolerance``, for the commands ``compare`` and ``report``."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path

from locust_softphone.commands.argument_types import checked
from locust_softphone.errors import ExitCode, InputError
from locust_softphone.report.baseline_gate import DEFAULT_TOLERANCE, BaselineGate, GateResult, gate_against
from locust_softphone.runs import history
from locust_softphone.runs.baselines import find_baseline, list_baselines
from locust_softphone.runs.record import RunRecord
from locust_softphone.text import choices, quoted

__all__ = ["Baseline", "add_baseline_options", "add_baselines_option", "gate_exit_code", "parse_share", "read_baseline"]


class Baseline:
    """The runs that ``--against`` names.

    Args:
        name: what ``--against`` was given.
        records: its runs.
        tolerance: by how much a metric may be worse; a share.
    """

    def __init__(self, name: str, records: Sequence[RunRecord], tolerance: float) -> None:
        self._name = name
        self._records = records
        self._tolerance = tolerance

    def gate(self, records: Sequence[RunRecord]) -> BaselineGate:
        """Compare runs with it."""
        return gate_against(records, self._records, self._name, self._tolerance)


def add_baseline_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--against``, ``--tolerance`` and ``--baselines``."""
    parser.add_argument(
        "--against",
        metavar="BASELINE",
        help="exit with 1 if a metric got worse than in this baseline: one of `baseline list`, a run, or a folder of "
        "runs. Both sides need two or more runs of each profile; without them the comparison cannot tell, and the "
        "exit code is 3",
    )
    parser.add_argument(
        "--tolerance",
        type=checked(parse_share),
        metavar="PERCENT",
        help=f"by how much a metric may be worse than in the baseline (default: {100 * DEFAULT_TOLERANCE:.0f} %%)",
    )
    add_baselines_option(parser)


def add_baselines_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--baselines``, the folder of stored baselines."""
    parser.add_argument(
        "--baselines",
        type=Path,
        default=Path("baselines"),
        metavar="DIR",
        help="where baselines are stored (default: baselines)",
    )


def read_baseline(parsed: argparse.Namespace) -> Baseline | None:
    """The runs of ``--against``; None without it.

    Raises:
        InputError: there is no such baseline, or a run of it cannot be read.
    """
    if not parsed.against:
        if parsed.tolerance is not None:
            raise InputError("--tolerance: needs --against, which names the baseline")
        return None
    path = history.find(parsed.against, parsed.runs)
    if not path.exists():
        known = list_baselines(parsed.baselines)
        stored = find_baseline(parsed.against, parsed.baselines)
        if stored is None:
            advice = choices(parsed.against, known) if known else "there are none; see locust-softphone baseline --help"
            raise InputError(f"--against {quoted(parsed.against)}: neither a run nor a baseline, {advice}")
        path = stored
    records, problems = history.read_records([path])
    if problems:
        raise InputError(*(f"--against: {problem}" for problem in problems))
    tolerance = DEFAULT_TOLERANCE if parsed.tolerance is None else parsed.tolerance
    return Baseline(Path(parsed.against).name or parsed.against, records, tolerance)


def gate_exit_code(gate: BaselineGate | None) -> ExitCode:
    """1 if a plan got worse, 3 if that cannot be told of one, else 0."""
    if gate is None or not gate.arms:
        return ExitCode.PASSED
    codes = {GateResult.WORSE: ExitCode.FAILED, GateResult.CANNOT_TELL: ExitCode.INVALID}
    return ExitCode.most_serious(codes.get(arm.result, ExitCode.PASSED) for arm in gate.arms)


def parse_share(text: str) -> float:
    """A share such as ``5%``, from 0 to 100 %.

    Raises:
        ValueError: it is not one.
    """
    if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,6})?%", text, re.ASCII) or float(text[:-1]) > 100:
        raise ValueError(f"must be a percentage such as 5%, not {quoted(text)}")
    return float(text[:-1]) / 100
