"""A cluster over several hosts: each is a network namespace with its own address, and one worker has a bad link.

master .1   edge .2   worker .3          worker .4
   └──────────┴──────────┴── switch ──────── 50 ms each way, and gone for 0.3 s every 2 s
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from tests.edge.softphone import eventually
from tests.fleet import delaying_forwarder
from tests.fleet.processes import PATIENCE_S, Started, real, started

MASTER, EDGE, NEAR, FAR, FORWARDER = (f"198.18.0.{host}" for host in range(1, 6))  # for benchmarks, RFC 2544 C.2.2
DELAY_S, OUTAGE_S, OUTAGES_EVERY_S = 0.05, 0.3, 2.0
CREDENTIALS = {"LOCUST_SOFTPHONE_CLIENT_ID": "locust-softphone", "LOCUST_SOFTPHONE_CLIENT_SECRET": "simulated"}
PROFILE = """
name: hosts
users: 36
ramp: 5s
hold: 2s
softphone: {like: recommended}
expect: [answered == 100%, abnormal_closes == 0]
"""


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)


class Network:
    """Namespaces and the links between them.

    Args:
        stack: what removes them all in the end.
    """

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._links = 0
        self.switch = self.host("switch")
        ip("-n", self.switch, "link", "add", "bridge", "type", "bridge")
        ip("-n", self.switch, "link", "set", "bridge", "up")

    def host(self, name: str) -> str:
        """A namespace with a name of this test process."""
        namespace = f"softphone-{os.getpid()}-{name}"
        ip("netns", "add", namespace)
        self._stack.callback(ip, "netns", "delete", namespace)
        ip("-n", namespace, "link", "set", "lo", "up")
        return namespace

    def link(self, one: str, other: str) -> tuple[str, str]:
        """A cable between two namespaces; the names of its ends."""
        self._links += 1
        ends = f"one{self._links}", f"other{self._links}"
        ip("-n", one, "link", "add", ends[0], "type", "veth", "peer", "name", ends[1], "netns", other)
        ip("-n", one, "link", "set", ends[0], "up")
        ip("-n", other, "link", "set", ends[1], "up")
        return ends

    def attach(self, namespace: str, address: str) -> tuple[str, str]:
        """Give a namespace an address and plug it into the switch; the switch's end and the namespace's."""
        here, there = self.link(self.switch, namespace)
        ip("-n", self.switch, "link", "set", here, "master", "bridge")
        ip("-n", namespace, "address", "add", f"{address}/24", "dev", there)
        return here, there


@contextmanager
def network() -> Iterator[Network]:
    """A network to use, or the test is skipped."""
    if not shutil.which("ip"):
        pytest.skip("no `ip` here (iproute2): cannot make network namespaces")
    with ExitStack() as stack:
        try:
            made = Network(stack)
        except subprocess.CalledProcessError as error:
            pytest.skip(f"may not make network namespaces here: {error.stderr.strip()}")
        yield made


def attach_far(net: Network, stack: ExitStack, far: str, folder: Path) -> tuple[str, str]:
    """Attach the far worker over a link with a delay: netem's, or a forwarder's. Where to pull the plug."""
    here, there = net.attach(far, FAR)
    delay = ["root", "netem", "delay", f"{DELAY_S * 1000:.0f}ms"]
    ends = ((net.switch, here), (far, there))
    tc = shutil.which("tc")
    made = [
        tc and subprocess.run([tc, "-n", at, "qdisc", "add", "dev", end, *delay], capture_output=True)
        for at, end in ends
    ]
    if all(each and not each.returncode for each in made):
        return net.switch, here
    ip("-n", far, "link", "delete", there)
    middle = net.host("middle")
    here, there = net.link(middle, far)
    ip("-n", far, "address", "add", f"{FAR}/24", "dev", there)
    for address in (MASTER, EDGE):
        ip("-n", middle, "address", "add", f"{address}/24", "dev", here)
    command = [sys.executable, delaying_forwarder.__file__, net.switch, str(DELAY_S), f"{MASTER}:5557", f"{EDGE}:8080"]
    ip("-n", net.switch, "address", "add", f"{FORWARDER}/24", "dev", "bridge")
    forwarder = stack.enter_context(started(within(middle, command), folder=folder, name="forwarder"))
    eventually(lambda: "forwarding" in forwarder.output())
    return middle, here


def within(namespace: str, command: Sequence[str]) -> list[str]:
    return ["ip", "netns", "exec", namespace, *command]


def outages_until_ended(master: Started, where: str, link: str) -> int:
    """Pull the plug of the far worker again and again while the run is on; how often it was."""
    deadline, count = time.monotonic() + PATIENCE_S, 0
    while master.process.poll() is None and time.monotonic() < deadline:
        with suppress(subprocess.TimeoutExpired):
            master.process.wait(OUTAGES_EVERY_S - OUTAGE_S)
        ip("-n", where, "link", "set", link, "down")
        time.sleep(OUTAGE_S)
        ip("-n", where, "link", "set", link, "up")
        count += 1
    return count


def test_the_plan_holds_over_several_hosts_with_one_worker_behind_a_bad_link(tmp_path: Path) -> None:
    (tmp_path / "hosts.yaml").write_text(PROFILE)
    with network() as net, ExitStack() as stack:

        def run(name: str, namespace: str, *command: str) -> Started:
            there = within(namespace, real(command))
            credentials = CREDENTIALS if name == "master" else {}
            return stack.enter_context(started(there, folder=tmp_path, name=name, environment=credentials))

        master, edge, near, far = (net.host(name) for name in ("master", "edge", "near", "far"))
        for namespace, address in ((master, MASTER), (edge, EDGE), (near, NEAR)):
            net.attach(namespace, address)
        serving = run("edge", edge, "locust-softphone", "edge", "--host", EDGE)
        eventually(lambda: "listening on" in serving.output())
        where, link = attach_far(net, stack, far, tmp_path)
        leading = run(
            *("master", master, "locust", "--headless", "--master", "--expect-workers", "2"),
            *("--expect-workers-max-wait", "30", "--host", f"http://{EDGE}:8080", "--authorized"),
            *("--softphone-profile", "hosts.yaml"),
        )
        working = [
            run(name, each, "locust", "--worker", "--master-host", MASTER)
            for name, each in (("near", near), ("far", far))
        ]
        outages = outages_until_ended(leading, where, link)
        assert leading.process.returncode == 0, leading.output()
        assert [each.process.wait(PATIENCE_S) for each in working] == [0, 0]
    assert outages > 2
    (record,) = (json.loads(path.read_text()) for path in tmp_path.glob("runs/*/run.json"))
    assert (record["verdict"], record["workers"]) == ("passed", 2)
    totals = record["totals"]
    assert (totals["planned"], totals["started"], totals["answered"]) == (36, 36, 36)
    assert record["ledger"]["balanced"] is True
    assert record["edge"] is not None
    assert record["start_lag_s"]["max"] < 0.25, "each started at its planned start, in spite of the bad link"
    assert record["fleet"]["message_delay_s"]["max"] >= DELAY_S, "the link was as bad as it should be"
    off = [second.get("started", 0) - second["planned"] for second in record["timeline"]]
    assert max(map(abs, off)) <= 1, "spread as planned; one may slip over the second's edge"
