"""A real Prosody server (Debian's package) for tests: XMPP over WebSocket on loopback, with all files in one folder."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from locust_softphone.commands.locust_process import unused_port
from locust_softphone.signaling.target import Target
from tests.listening import await_port

__all__ = ["DOMAIN", "prosody"]

DOMAIN = "localhost"
PATIENCE_S = 30.0

_CONFIG = """
daemonize = false
run_as_root = true
pidfile = "{folder}/prosody.pid"
data_path = "{folder}/data"
log = {{ warn = "{folder}/prosody.log" }}
modules_enabled = {{ "roster", "saslauth", "disco", "websocket", "ping", "external_services" }}
modules_disabled = {{ "s2s" }}
c2s_ports = {{ }}
certificates = "{folder}"
interfaces = {{ "127.0.0.1" }}
http_interfaces = {{ "127.0.0.1" }}
http_ports = {{ {port} }}
https_ports = {{ }}
authentication = "internal_plain"
allow_unencrypted_plain_auth = true
c2s_require_encryption = false
consider_websocket_secure = true
external_services = {{
  {{ type = "turn", host = "192.0.2.1", port = 3478, transport = "udp" }},
  {{ type = "stun", host = "192.0.2.1", port = 3478, transport = "udp" }}
}}
VirtualHost "{domain}"
"""


@contextmanager
def prosody(folder: Path, users: Mapping[str, str]) -> Iterator[Target]:
    """Run Prosody with these users and their passwords; yields the target of its WebSocket."""
    program = shutil.which("prosody")
    if program is None:
        pytest.skip("no prosody here (Debian package prosody)")
    port = unused_port()
    config = folder / "prosody.cfg.lua"
    config.write_text(_CONFIG.format(folder=folder, port=port, domain=DOMAIN))
    accounts = folder / "data" / DOMAIN / "accounts"
    accounts.mkdir(parents=True)
    for name, password in users.items():
        (accounts / f"{name}.dat").write_text(f'return {{ ["password"] = "{password}"; }};\n')
    command = [program, "-F", "--config", str(config)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            await_port(port, process, folder / "prosody.log")
            yield Target("127.0.0.1", port).resolved()
        finally:
            process.terminate()
            process.wait(PATIENCE_S)
