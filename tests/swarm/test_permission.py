"""A target that is not this machine needs permission, wherever its name comes from."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from locust_softphone.commands.locust_process import unused_port
from tests.edge.softphone import eventually
from tests.edge_process import running_edge
from tests.swarm.locust_process import PATIENCE_S, TINY, records, run_locust, running_locust
from tests.swarm.web_ui import WebUI

CLIENT = {"LOCUST_SOFTPHONE_CLIENT_ID": "locust-softphone", "LOCUST_SOFTPHONE_CLIENT_SECRET": "simulated"}


@pytest.fixture
def untouched() -> Iterator[int]:
    """The port of a listener that must not get any connection."""
    with socket.create_server(("", 0)) as listener:
        listener.setblocking(False)
        yield listener.getsockname()[1]
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_the_start_logs_the_target_and_the_load(tmp_path: Path) -> None:
    """127.1 is this machine, but only the documented spellings count as this machine."""
    with running_edge() as edge:
        url = f"http://127.1:{edge.address[1]}"
        refused = run_locust(tmp_path, "--host", url, environment=CLIENT)
        run = run_locust(tmp_path, "--host", url, "--authorized", environment=CLIENT)
    assert refused.returncode == 2
    assert refused.complaints[0].startswith(f"--host {url}: not this machine. A load test needs its owner's permission")
    assert run.returncode == 0
    assert run.complaints[0].startswith(
        f"tiny to {url} (127.0.0.1): 4 softphones, over 50ms: at most 4 starts in a second; "
        "9 attempts if none is refused, and never more than 180"
    )


def test_a_host_from_the_environment_needs_permission_too(tmp_path: Path, untouched: int) -> None:
    hosts = {**CLIENT, "LOCUST_HOST": f"http://127.1:{untouched}"}
    for said in ({}, {"LOCUST_SOFTPHONE_AUTHORIZED": "false"}):
        run = run_locust(tmp_path, environment={**hosts, **said})
        assert run.returncode == 2
        assert "not this machine" in run.complaints[0]


@pytest.mark.skipif(os.getuid() != 0 or not shutil.which("unshare"), reason="needs root and unshare")
def test_a_localhost_that_resolves_to_another_machine_needs_permission(tmp_path: Path, untouched: int) -> None:
    (tmp_path / "hosts").write_text("127.0.0.1 localhost\n192.0.2.1 localhost\n")
    with_hosts = ["unshare", "-m", "sh", "-c", 'mount --bind hosts /etc/hosts && exec "$@"', "sh"]
    if subprocess.run([*with_hosts, "true"], cwd=tmp_path, capture_output=True).returncode:
        pytest.skip("a process cannot have an /etc/hosts of its own here")
    run = run_locust(tmp_path, "--host", f"http://localhost:{untouched}", under=with_hosts)
    assert run.returncode == 2
    assert run.complaints == [
        f"--host http://localhost:{untouched}: localhost is 192.0.2.1, not this machine. A load test needs its owner's "
        "permission: add --authorized once you have it"
    ]


def test_the_web_form_cannot_give_permission(tmp_path: Path, untouched: int) -> None:
    """A visitor may choose a profile and a host of this machine; Locust itself takes any option by POST."""
    port = unused_port()
    with running_locust(tmp_path, "--web-host", "127.0.0.1", "--web-port", str(port), environment=CLIENT) as process:
        web = WebUI(port)
        eventually(web.is_there)
        elsewhere = f"http://127.1:{untouched}"
        for name in ("authorized", "client_id", "client_secret_file", "ca", "runs", "policy"):
            answer = web.answer(host=elsewhere, **{f"softphone_{name}": "true"})
            assert f'"softphone_{name}" is not a field of this form' in answer["message"]
        assert "not this machine" in web.answer(host=elsewhere)["message"]
        web.post(host="")
        eventually(lambda: len(records(tmp_path)) == 1)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE_S)
    (record,) = records(tmp_path)
    assert record["verdict"] == "passed"


def test_the_web_form_cannot_extend_the_permission_to_another_host(tmp_path: Path, untouched: int) -> None:
    port = unused_port()
    with running_edge() as edge:
        url = f"http://127.1:{edge.address[1]}"
        options = ["--web-host", "127.0.0.1", "--web-port", str(port), "--host", url, "--authorized"]
        with running_locust(tmp_path, *options, environment=CLIENT) as process:
            web = WebUI(port)
            eventually(web.is_there)
            message = web.answer(host=f"http://127.1:{untouched}")["message"]
            assert f"http://127.1:{untouched} is not this machine" in message
            web.post(host=url)
            eventually(lambda: len(records(tmp_path)) == 1)
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=PATIENCE_S)
    (record,) = records(tmp_path)
    assert (record["verdict"], record["target"]["url"]) == ("passed", url)


def test_proxies_from_the_environment_are_not_used(tmp_path: Path, untouched: int) -> None:
    proxy = f"http://127.0.0.1:{untouched}"
    names = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "WS_PROXY", "WSS_PROXY", "SOCKS_PROXY")
    proxies = {each: proxy for name in names for each in (name, name.lower())} | {"NO_PROXY": "", "no_proxy": ""}
    assert run_locust(tmp_path, environment=proxies).returncode == 0
    assert run_locust(tmp_path, "--processes", "2", profile=TINY, environment=proxies).returncode == 0
