"""JMeter itself judges the importer: Debian's JMeter runs a plan against the simulated edge, and reports its samples.

One run has all thread groups; in calcMode 4 each group has its own clock. A slow machine makes samples later, never
earlier, so starts are compared from one side, and paces by the median of their gaps.
"""

from __future__ import annotations

import csv
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median

import pytest

from locust_softphone.jmeter.plan_import import ImportedGroup, import_plan
from locust_softphone.jmeter.plan_tree import read_plan
from tests.edge_process import running_edge
from tests.jmeter.plans import plan, sampler, thread_group, throughput_timer

JAR = Path("/usr/share/jmeter/bin/ApacheJMeter.jar")
HTTP = Path("/usr/share/jmeter/lib/ext/ApacheJMeter_http.jar")
RUN_PLAN = Path(__file__).parent / "jmeter" / "RunPlan.java"
PATIENCE_S = 120.0
EARLY_S = 0.25  # JMeter's clock has milliseconds, and its ramp-up is rounded

THREADS = 30
PER_MIN = 600
PERIOD_S = 60 / PER_MIN
SCHEDULED = (
    '<boolProp name="ThreadGroup.scheduler">true</boolProp>'
    '<stringProp name="ThreadGroup.delay">3</stringProp><stringProp name="ThreadGroup.duration">10</stringProp>'
)


@dataclass(frozen=True)
class Judged:
    """A thread group: what the importer says, and the samples of each thread, in seconds since the test began."""

    group: ImportedGroup
    threads: list[list[float]]

    def passes(self, number: int) -> list[float]:
        """When each thread made its n-th sample, in order."""
        return sorted(samples[number] for samples in self.threads)


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Judged]:
    if shutil.which("javac") is None or not JAR.is_file() or not HTTP.is_file():
        pytest.skip("no JMeter here (Debian packages jmeter, jmeter-http and default-jdk-headless)")
    folder = tmp_path_factory.mktemp("jmeter")
    with running_edge() as edge:
        script = sampler("stats", "/stats", edge.address[1])
        text = plan(
            *(
                thread_group(f"mode{mode}", throughput_timer(PER_MIN, mode) + script, threads=THREADS, loops=2)
                for mode in (0, 2, 4)
            ),
            thread_group("ramp", script, threads=20, ramp=4),
            thread_group("scheduled", script, threads=4, ramp=2, more=SCHEDULED),
        )
        (folder / "plan.jmx").write_text(text)
        options = ["-n", "-t", "plan.jmx", "-l", "samples.csv", "-Jjmeter.save.saveservice.output_format=csv"]
        done = subprocess.run(
            ["java", "-cp", str(JAR), str(RUN_PLAN), *options],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
    began = re.search(r"Starting the test @ .* \((\d+)\)", done.stdout)
    assert began, done.stdout + done.stderr
    threads: dict[str, list[float]] = {}
    for row in csv.reader((folder / "samples.csv").read_text().splitlines()):
        at_ms, _, _, status, _, thread = row[:6]
        assert status == "200", row
        threads.setdefault(thread, []).append((int(at_ms) - int(began[1])) / 1000)
    groups = import_plan(read_plan(text, "plan.jmx"), "p", {}).groups
    return {
        group.element.name: Judged(
            group, [sorted(times) for name, times in threads.items() if name.startswith(f"{group.element.name} ")]
        )
        for group in groups
    }


@pytest.mark.parametrize("name", ["mode0", "mode2", "mode4", "ramp", "scheduled"])
def test_threads_start_when_the_importer_says(name: str, judged: Mapping[str, Judged]) -> None:
    said, done = list(judged[name].group.starts), judged[name].passes(0)
    assert len(done) == len(said)
    assert all(really > early - EARLY_S for early, really in zip(said, done, strict=True))


@pytest.mark.parametrize("name", ["mode0", "mode2", "mode4"])
def test_no_mode_of_the_timer_delays_the_first_samples(name: str, judged: Mapping[str, Judged]) -> None:
    """Paced, they would be 100 ms apart."""
    first = judged[name].passes(0)
    assert median(after - before for before, after in pairwise(first)) < PERIOD_S / 4
    assert judged[name].group.starts == (0.0,) * THREADS


def test_the_second_samples_are_a_burst_again_unless_the_threads_share_a_clock(judged: Mapping[str, Judged]) -> None:
    for name, paced in (("mode0", False), ("mode2", False), ("mode4", True)):
        for times in (judged[name].passes(1), judged[name].group.again):
            gap_s = median(after - before for before, after in pairwise(times))
            assert (gap_s > PERIOD_S / 2) is paced, name


def test_a_ramp_is_as_long_as_the_importer_says(judged: Mapping[str, Judged]) -> None:
    for times in (judged["ramp"].group.starts, judged["ramp"].passes(0)):
        assert 0.1 < median(after - before for before, after in pairwise(times)) < 0.4
