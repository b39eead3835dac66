"""JMeter itself judges the importer: Debian's JMeter runs a plan against the simulated edge, and reports its samples.

One run has all thread groups; in calcMode 4 each group has its own clock. A slow machine makes samples later, never
earlier, so starts are compared from one side, and the timers are so slow that no machine is as slow as a pace.
"""

from __future__ import annotations

import csv
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

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

UNPACED = ("mode0", "mode1", "mode2", "mode3", "mode4")
THREADS, SLOWEST_PER_MIN = 10, 6
"""Paced, the first samples of 10 threads at 6 a minute would take 90 s."""

CLOCKED, CLOCK_PERIOD_S = 8, 0.5
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
            thread_group("warm-up", script, threads=1, kind="SetupThreadGroup"),  # JMeter loads its classes
            *(
                thread_group(name, throughput_timer(SLOWEST_PER_MIN, mode) + script, threads=THREADS)
                for mode, name in enumerate(UNPACED)
            ),
            thread_group("clock", throughput_timer(60 / CLOCK_PERIOD_S, 4) + script, threads=CLOCKED, loops=2),
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


@pytest.mark.parametrize("name", [*UNPACED, "clock", "ramp", "scheduled"])
def test_threads_start_when_the_importer_says_or_later(name: str, judged: Mapping[str, Judged]) -> None:
    said, done = list(judged[name].group.starts), judged[name].passes(0)
    assert len(done) == len(said)
    assert all(really > early - EARLY_S for early, really in zip(said, done, strict=True))


@pytest.mark.parametrize("name", UNPACED)
def test_no_mode_of_the_timer_delays_the_first_sample_of_a_thread(name: str, judged: Mapping[str, Judged]) -> None:
    first = judged[name].passes(0)
    assert first[-1] - first[0] < THREADS * 60 / SLOWEST_PER_MIN / 3
    assert judged[name].group.starts == (0.0,) * THREADS


def test_in_a_shared_mode_the_second_samples_wait_for_the_slots_that_the_first_have_used(
    judged: Mapping[str, Judged],
) -> None:
    """JMeter takes off the time of the first sample, so a slow one makes the second one earlier."""
    last_slot_s = (2 * CLOCKED - 1) * CLOCK_PERIOD_S
    assert judged["clock"].group.again[-1] == pytest.approx(last_slot_s)
    assert judged["clock"].passes(1)[-1] - judged["clock"].passes(0)[0] > last_slot_s / 2
