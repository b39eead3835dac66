"""The shortest run of ``benchmarks/soak.py``: 500 softphones, and an edge that is restarted twice."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import locust_softphone

SOAK = Path(locust_softphone.__file__).parents[2] / "benchmarks" / "soak.py"
TIMEOUT_S = 300.0


def test_every_connection_is_accounted_for_when_the_edge_is_restarted(tmp_path: Path) -> None:
    kept, drawn = tmp_path / "kept.json", tmp_path / "soak.svg"
    options = ("--seconds", "45", "--results", str(kept), "--svg", str(drawn))
    run = subprocess.run(
        [sys.executable, str(SOAK), *options], cwd=tmp_path, capture_output=True, text=True, timeout=TIMEOUT_S
    )
    assert run.returncode == 0, run.stdout + run.stderr
    soaked = json.loads(kept.read_text())
    assert len(soaked["restarts"]) == 2
    assert soaked["run"]["totals"]["started"] == 500
    assert soaked["run"]["closes"]["1006"] >= 2 * 400, "most softphones were connected at each restart"
    assert soaked["run"]["reconnects"]["made"] > 0
    assert drawn.read_text().count("<polyline") == 3
