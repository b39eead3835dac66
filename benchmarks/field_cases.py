"""Plain runs of the pack, without a probe: how often the diagnosis names the true kinds of limit, and nothing else.

    right          every limit is named, alone
    cannot tell    the true kind is one of several, or nothing is named
    wrong          something else is named

``burst-500-backoff`` and ``burst-500-retry-after`` must also show the sizes within 5 %.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import yaml
from rich.table import Table

from locust_softphone.config.policy import Policy
from locust_softphone.config.profile_files import load_profile, pack_folder
from locust_softphone.limits.inference.kinds import Kind
from locust_softphone.report.drop_texts import drop_causes
from locust_softphone.runs.history import read_records
from locust_softphone.runs.limit_parts import Explanation
from locust_softphone.runs.record import RunRecord
from locust_softphone.simulation.network_model import NetworkModel
from locust_softphone.simulation.simulated_record import simulate
from locust_softphone.simulation.simulated_run import Surroundings
from tables import Goal, show

FIELD_CASES: Mapping[str, Mapping[str, str]] = yaml.safe_load(
    (Path(__file__).parents[1] / "tests/scenarios/field_cases.yaml").read_text()
)
"""The true kind of each limit, and the true cause of the drops."""

BURSTS: Mapping[str, Mapping[str, float]] = {
    "handshake 429": {"rate": 50, "burst": 150},
    "offer 429": {"rate": 50, "burst": 50},
}
"""The sizes of the token buckets that the two bursts meet."""
SIZED = ("burst-500-backoff", "burst-500-retry-after")
NEAR = 0.05
FEWEST_RIGHT = 9  # of the field cases


def named(record: RunRecord) -> dict[str, set[str]]:
    """What the diagnosis names for each limit and for the drops: the kinds that are likely."""
    found = {
        f"{each.step} {each.status}": {one.kind for one in each.hypotheses if one.likely}
        for each in record.limits or ()
    }
    return found | ({"drops": {each.kind for each in drop_causes(record.drops)}} if record.drops else {})


def verdict(record: RunRecord, truth: Mapping[str, str]) -> str:
    """right, cannot tell or wrong."""
    found = named(record)
    kinds = [(found.get(limit, set()), kind) for limit, kind in truth.items()]
    if any(others and kind not in others for others, kind in kinds) or any(
        found[each] for each in found.keys() - truth
    ):
        return "wrong"
    return "right" if all(others == {kind} for others, kind in kinds) else "cannot tell"


def sizes_verdict(record: RunRecord) -> str:
    """As ``verdict``, for the two token buckets that most softphones of a burst meet; their sizes must be near, too."""
    found = named(record)
    if any(found.get(limit) != {Kind.TOKEN_BUCKET} for limit in BURSTS):
        return "wrong" if any(Kind.TOKEN_BUCKET not in found.get(limit, ()) for limit in BURSTS) else "cannot tell"
    likely = {
        f"{each.step} {each.status}": one for each in record.limits or () for one in each.hypotheses if one.likely
    }
    near = [
        abs(_size(likely[limit], name) / true - 1) <= NEAR
        for limit, truth in BURSTS.items()
        for name, true in truth.items()
    ]
    return "right" if all(near) else "wrong size"


def _size(found: Explanation, name: str) -> float:
    bounds = found.bounds[name]
    return found.best.get(name, (bounds.low + (bounds.high or bounds.low)) / 2)


def recorded(name: str, folder: Path) -> RunRecord:
    """A real run on this machine, with a simulated edge."""
    command = [sys.executable, "-m", "locust_softphone", "run", name, "--runs", str(folder)]
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    records, _ = read_records([folder])
    return records[0]


def simulated(name: str, seed: int) -> RunRecord:
    """The same run in virtual time."""
    profile = load_profile(name, [pack_folder()])
    network = NetworkModel(jitter_s=0.001)
    return simulate(profile, Surroundings(Policy.model_validate(profile.edge), network, seed), diagnosed=True)


def verdicts(name: str, records: Iterable[RunRecord]) -> Iterator[str]:
    for each in records:
        found = sizes_verdict(each) if name in SIZED else verdict(each, FIELD_CASES[name])
        if not each.validity.valid:
            found += ", not valid"
        kinds = "; ".join(f"{limit}: {' or '.join(sorted(kinds)) or 'nothing'}" for limit, kinds in named(each).items())
        print(f"{name}: {found} ({kinds})", flush=True)
        yield found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=1, help="runs of each profile (default: 1)")
    parser.add_argument("--simulated", action="store_true", help="simulate the runs, in virtual time")
    parser.add_argument("--only", nargs="*", default=[*FIELD_CASES, *SIZED], help="names of profiles (default: all)")
    parsed = parser.parse_args()
    table, found = Table("profile", "diagnosis of each run"), dict[str, list[str]]()
    for name in parsed.only:
        records = []
        for number in range(parsed.repeat):
            with tempfile.TemporaryDirectory() as folder:
                records.append(simulated(name, number) if parsed.simulated else recorded(name, Path(folder)))
        found[name] = list(verdicts(name, records))
        table.add_row(name, ", ".join(found[name]))
    rounds = [[each[number] for name, each in found.items() if name not in SIZED] for number in range(parsed.repeat)]
    right = [each.count("right") for each in rounds]
    wrong = sum(one.startswith("wrong") for each in rounds for one in each)
    sized = [each for name in SIZED for each in found.get(name, ())]
    goals = [
        Goal(
            f"field cases named right ≥ {FEWEST_RIGHT} of {len(FIELD_CASES)} in each round",
            f"{right}",
            min(right) >= FEWEST_RIGHT,
        ),
        Goal("field cases named wrong = 0", f"{wrong}", wrong == 0),
        Goal(
            "both buckets of the bursts within 5 %",
            f"{sized.count('right')} of {len(sized)}",
            sized.count("right") == len(sized),
        ),
    ]
    where = "in virtual time" if parsed.simulated else "in real time, with an edge on this machine"
    return show(table, goals, f"{parsed.repeat} runs of each profile {where}")


if __name__ == "__main__":
    raise SystemExit(main())
