"""Repeats attacks on what is promised, and prints docs/reliability.md: promise, attack, whether it held.

python -m tests.adversary > docs/reliability.md     each row runs the tests that it names
"""

from __future__ import annotations

import subprocess
import sys
from typing import NamedTuple

HEADER = """# Reliability

What is promised, what was tried against it, and whether it held. Made by `python -m tests.adversary`, which runs the
tests in the last column.

| promise | attack | held | tests |
|---|---|---|---|"""


class Attack(NamedTuple):
    """An attack on a promise, and the tests that repeat it."""

    promise: str
    attack: str
    tests: str


ATTACKS = (
    Attack(
        "a bad response is an outcome of its attempt, and the other softphones go on",
        "token lifetimes of -1, NaN and 1e400, 10,000 header lines, frames of 2^63 bytes, fragmented control frames, "
        "an SDP of 100,000 lines",
        "tests/signaling/test_hostile_server.py",
    ),
    Attack(
        "an attempt ends at its timeout",
        "a server that sends byte by byte: its part of the TLS handshake, tickets, head or body of the response",
        "tests/signaling/test_tls.py -k byte_by_byte",
    ),
    Attack(
        "the clocks of workers do not matter",
        "a worker whose clock is two hours ahead, and one whose clock is a day behind",
        "tests/fleet/test_workers.py -k clocks_of_workers",
    ),
    Attack(
        "the client's secret is on no disk",
        "Locust and a command are made to crash, with core dumps of any size allowed",
        "tests/signaling/test_core_dumps.py",
    ),
    Attack(
        "a signal ends a command without a traceback",
        "SIGINT while the simulated edge loads its modules",
        "tests/commands/test_edge.py -k signal",
    ),
    Attack(
        "the pages of the web UI need their password",
        "every page and every form without it, and wrong passwords",
        "tests/swarm/test_web_login.py -k password",
    ),
    Attack(
        "intervals cover the truth, and a plan compared with itself is not told apart",
        "A/A comparisons of runs that differ by 10 % and 40 %, with 2 to 5 repeats",
        "tests/report/test_statistics.py",
    ),
    Attack("lost, doubled and foreign requests are told apart", "each of them", "tests/runs/test_ledger.py"),
    Attack("a token cannot add a header", "line breaks and spaces in tokens", "tests/signaling/test_oauth.py"),
    Attack("a record costs little memory", "a histogram that unpacks to much more", "tests/metrics/test_histogram.py"),
    Attack(
        "what is too large for a record is not read",
        "257 MB, and a pipe (a record of 200 MB is read: 16 s and 2.3 GB)",
        "tests/runs/test_storage.py -k too_large",
    ),
    Attack(
        "XML and JSON of an edge are limited in depth and kind",
        "deep nesting, entities, lists instead of objects",
        "tests/test_untrusted.py",
    ),
)


def holds(attack: Attack) -> bool:
    """Whether the tests of an attack pass."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *attack.tests.split()]
    return subprocess.run(command, capture_output=True).returncode == 0


def main() -> int:
    """Print the page; returns 1 if a promise did not hold."""
    print(HEADER)
    results = [(attack, holds(attack)) for attack in ATTACKS]
    for attack, held in results:
        print(f"| {attack.promise} | {attack.attack} | {'yes' if held else '**no**'} | `{attack.tests}` |")
    return 0 if all(held for _, held in results) else 1


if __name__ == "__main__":
    sys.exit(main())
