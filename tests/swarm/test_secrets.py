"""The client's id and secret and the tokens reach the edge, and appear nowhere else.

For every way of giving them, every way a run can end and every command, all bytes that were printed, written or served
are searched, and all command lines.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError

import psutil
import pytest

from locust_softphone.commands.locust_process import unused_port
from tests.edge.softphone import eventually
from tests.edge_process import running_edge
from tests.swarm.forked_locust import ForkedLocust
from tests.swarm.locust_process import (
    LOCUSTFILE,
    PACKAGES,
    PATIENCE_S,
    TINY,
    edge_of,
    records,
    running_locust,
)
from tests.swarm.web_ui import WebUI
from tests.swarm.wiretap import Wiretap, tapped

SECRET = "hush-5e0c"
CLIENT = "client-9a71"
BASIC = b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
POLICY = f"organisations: [{{client_id: {CLIENT}, client_secret: {SECRET}}}]"
CLIENT_ID = {"LOCUST_SOFTPHONE_CLIENT_ID": CLIENT}
CREDENTIALS = {**CLIENT_ID, "LOCUST_SOFTPHONE_CLIENT_SECRET": SECRET}
OUTPUTS = ("--loglevel", "DEBUG", "--html", "report.html", "--csv", "stats", "--json-file", "stats")
LASTING = TINY.replace("hold: 500ms", "hold: 1500ms")

INDISCREET = (
    LOCUSTFILE.read_text()
    + """
    def script(self, phone):
        phone.call()
        raise RuntimeError(f"{vars(self.environment.parsed_options)} {phone.context} {vars(phone)}")


@events.init.add_listener
def note_the_pages(web_ui, **_):
    if web_ui:
        from pathlib import Path
        Path("pages").write_text("\\n".join(str(rule) for rule in web_ui.app.url_map.iter_rules()))
"""
)
"""A script that crashes with everything that it can reach in its message."""


def found(secrets: Iterable[str], folder: Path, *shown: str) -> dict[str, list[str]]:
    """Where each secret can be read: in a text that was shown, or in a file of the folder."""
    places = {f"shown {number}": text.encode(errors="replace") for number, text in enumerate(shown)}
    places |= {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    readable = {secret: [name for name, text in places.items() if secret.encode() in text] for secret in secrets}
    return {secret: names for secret, names in readable.items() if names}


def command_lines(process: subprocess.Popen[str]) -> list[str]:
    """The command lines of a process and of all that it has started."""
    started = psutil.Process(process.pid)
    return [" ".join(each.cmdline()) for each in (started, *started.children(recursive=True))]


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """Where Locust runs and writes."""
    folder = tmp_path / "here"
    folder.mkdir()
    return folder


@contextmanager
def an_edge(policy: str = POLICY) -> Iterator[Wiretap]:
    with running_edge(policy) as edge, tapped(edge.address) as wiretap:
        yield wiretap


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    """A file with the secret, outside of the folder where Locust writes."""
    file = tmp_path / "secret"
    file.write_text(f"{SECRET}\n")
    return file


# Ways of giving the secret


@pytest.mark.parametrize(
    ("way", "processes"),
    [
        ("environment", ()),
        ("environment", ("--processes", "2")),
        ("option", ()),
        ("option", ("--processes", "2")),
        ("option with =", ()),
        ("file", ("--processes", "2")),
        ("file of Windows", ()),
        ("file named by the environment", ()),
    ],
)
def test_the_secret_is_used_and_never_shown(
    here: Path, secret_file: Path, way: str, processes: tuple[str, ...]
) -> None:
    windows_file = secret_file.with_suffix(".txt")
    windows_file.write_bytes(f"\ufeff{SECRET}\r\n".encode())
    options: Mapping[str, tuple[str, ...]] = {
        "option": ("--softphone-client-secret", SECRET),
        "option with =": (f"--softphone-client-secret={SECRET}",),
        "file": ("--softphone-client-secret-file", str(secret_file)),
        "file of Windows": ("--softphone-client-secret-file", str(windows_file)),
    }
    environment: Mapping[str, Mapping[str, str]] = {
        "environment": CREDENTIALS,
        "file named by the environment": {**CLIENT_ID, "LOCUST_SOFTPHONE_CLIENT_SECRET_FILE": str(secret_file)},
    }
    with (
        an_edge() as edge,
        running_locust(
            here,
            "--headless",
            *(*processes, *OUTPUTS, "--host", edge.url, *options.get(way, ())),
            profile=LASTING,
            environment=environment.get(way, CLIENT_ID),
        ) as process,
    ):
        eventually(lambda: len(edge.bearers) > 0)
        shown = [*command_lines(process), *process.communicate(timeout=PATIENCE_S)]
    assert len(shown) == (2 if not processes else 4) + 1
    (record,) = records(here)
    assert record["verdict"] == "passed"
    assert found([SECRET, CLIENT, BASIC, *edge.bearers], here, *shown) == {}


def test_the_simulated_edge_is_started_without_the_secret(here: Path, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY)
    options = ["--headless", "--softphone-policy", str(policy)]
    with running_locust(here, *options, profile=LASTING, environment=CREDENTIALS) as process:
        eventually(lambda: edge_of(process) is not None)
        edge = edge_of(process)
        assert edge is not None
        assert SECRET not in " ".join(edge.environ().values())
        assert SECRET not in " ".join(edge.cmdline())
        process.communicate(timeout=PATIENCE_S)
    assert records(here)[0]["verdict"] == "passed"


@pytest.fixture(scope="module")
def forked() -> Iterator[ForkedLocust]:
    with ForkedLocust() as locust:
        yield locust


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "cannot be read (No such file or directory)"),
        ("", "empty; it must contain only the secret"),
        ("\n", "empty; it must contain only the secret"),
        ("x" * 70_000, "longer than 64 KB; it must contain only the secret"),
        ("\xff\xfes\0", "not UTF-8; it must contain only the secret"),
        ("\xef\xbb\xbf\r\n", "empty; it must contain only the secret"),
        (f"{SECRET}\r\nand a note\r\n", "more than one line; it must contain only the secret"),
        (f"\n{SECRET}", "more than one line; it must contain only the secret"),
    ],
    ids=[
        "missing",
        "empty",
        "only a line end",
        "long",
        "UTF-16",
        "only a byte order mark",
        "two lines",
        "a blank line",
    ],
)
def test_a_secret_file_that_cannot_be_used_is_refused(
    forked: ForkedLocust, here: Path, tmp_path: Path, content: str | None, problem: str
) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_text(content, encoding="latin-1")
    run = forked.run(here, "--headless", "--softphone-client-secret-file", str(file))
    assert run.returncode == 2
    assert run.stderr.splitlines()[-1] == f"--softphone-client-secret-file {file}: {problem}"


def test_two_secrets_are_refused(forked: ForkedLocust, here: Path, secret_file: Path) -> None:
    options = ["--headless", "--softphone-client-secret-file", str(secret_file)]
    run = forked.run(here, *options, environment=CREDENTIALS)
    assert run.returncode == 2
    assert "has a secret already; give one of the two" in run.stderr
    assert found([SECRET], here, run.stdout, run.stderr) == {}


# Ways a run can end


def test_a_wrong_secret_is_rejected_by_the_edge_and_not_shown(here: Path) -> None:
    profile = TINY.replace("expect", "softphone: {retry: {max_retries: 0}}\nexpect")
    options = ["--headless", *OUTPUTS]
    with (
        an_edge(POLICY.replace(SECRET, "another")) as edge,
        running_locust(here, *options, "--host", edge.url, profile=profile, environment=CREDENTIALS) as process,
    ):
        shown = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    (record,) = records(here)
    assert set(record["steps"]["token"]["outcomes"]) == {"unauthorized"}
    assert record["totals"]["gave_up"] == 4
    assert "unauthorized (HTTP 401)" in (here / "stats_failures.csv").read_text()
    assert found([SECRET, CLIENT, BASIC], here, *shown) == {}


def test_a_script_that_crashes_does_not_show_the_secret(here: Path) -> None:
    options = ["--headless", *OUTPUTS]
    with (
        an_edge() as edge,
        running_locust(
            here, *options, "--host", edge.url, profile=TINY, locustfile=INDISCREET, environment=CREDENTIALS
        ) as process,
    ):
        shown = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 3
    assert "RuntimeError" in shown[1]
    assert len(edge.bearers) > 0
    assert found([SECRET, BASIC, *edge.bearers], here, *shown) == {}


def test_a_killed_run_does_not_show_the_secret(here: Path) -> None:
    with (
        an_edge() as edge,
        running_locust(
            here, "--headless", *OUTPUTS, "--host", edge.url, profile=LASTING, environment=CREDENTIALS
        ) as process,
    ):
        eventually(lambda: any(len(path.read_bytes().splitlines()) > 2 for path in here.glob("runs/*/journal.jsonl")))
        process.kill()
        shown = process.communicate(timeout=PATIENCE_S)
    assert found([SECRET, CLIENT, BASIC, *edge.bearers], here, *shown) == {}


# The web UI


def test_no_page_of_the_web_ui_shows_the_secrets(here: Path) -> None:
    port = unused_port()
    options = ["--web-host", "127.0.0.1", "--web-port", str(port), "--loglevel", "DEBUG"]
    given = ["--softphone-client-secret", SECRET]
    with (
        an_edge() as edge,
        running_locust(
            here, *options, "--host", edge.url, *given, profile=LASTING, locustfile=INDISCREET, environment=CLIENT_ID
        ) as process,
    ):
        web = WebUI(port)
        eventually(web.is_there)
        web.post(softphone_profile="tiny.yaml")
        eventually(lambda: len(edge.bearers) > 0)
        served = list(pages(here, web))
        eventually(lambda: len(records(here)) == 1)
        served += [*pages(here, web), *command_lines(process)]
        process.send_signal(signal.SIGINT)
        shown = process.communicate(timeout=PATIENCE_S)
    assert len(served) > 20
    assert any("RuntimeError" in page for page in served)
    assert found([SECRET, BASIC, *edge.bearers], here, *served, *shown) == {}


def pages(folder: Path, web: WebUI) -> Iterator[str]:
    """Every page, with some value for each parameter; without the pages that end something."""
    for rule in (folder / "pages").read_text().splitlines():
        if rule.rpartition("/")[2] not in ("swarm", "stop", "logout"):
            try:
                yield web.get(re.sub("<[^>]*>", "x", rule))
            except HTTPError as error:
                yield error.read().decode()


# The other commands


def test_no_command_shows_the_secrets(here: Path, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY)
    (here / "tiny.yaml").write_text(TINY)
    commands = [
        ["compare", "tiny.yaml", "--policy", str(policy)],
        ["compare", "tiny.yaml", "--policy", str(policy), "--workers", "2"],
        ["report", "runs"],
        ["describe", "tiny.yaml"],
        ["profiles"],
        ["edge", "--port", "0", "--policy", str(policy), "--until-stdin-closes"],
        ["edge", "--port", "70000", "--policy", str(policy)],
        ["compare", "tiny.yaml", "--host", "http://192.0.2.1"],
    ]
    exit_codes, shown = [], []
    for command in commands:
        done = subprocess.run(
            [sys.executable, "-m", "locust_softphone.cli", *command],
            cwd=here,
            env={**os.environ, **CREDENTIALS, "HOME": str(here), "PYTHONPATH": str(PACKAGES)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
        )
        exit_codes.append(done.returncode)
        shown += [done.stdout, done.stderr]
    assert exit_codes[:6] == [0] * 6, shown
    assert exit_codes[7] == 2
    assert found([SECRET, CLIENT, BASIC], here, *shown) == {}


@pytest.mark.parametrize(
    "mistake",
    [
        f"organisations: [{{client_id: {CLIENT}, client_secret: [{SECRET}]}}]",
        f"organisations: [{{client_id: {CLIENT}, client_secret: {{{SECRET}: 1}}}}]",
        f"organisations: [{{client_id: {CLIENT}, client_secrets: {SECRET}}}]",
        f"organisations: [{{client_id: {CLIENT}, client_secret: '{SECRET}]",
        f"organisations: {{client_secret: {SECRET}}}",
    ],
)
def test_an_invalid_policy_is_reported_without_its_secret(here: Path, mistake: str) -> None:
    (here.parent / "policy.yaml").write_text(mistake)
    command = [sys.executable, "-m", "locust_softphone.cli", "edge", "--policy", str(here.parent / "policy.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 2
    assert SECRET not in done.stdout + done.stderr
