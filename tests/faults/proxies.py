"""Faults that real proxies have: nginx and haproxy in front of the simulated edge, on free ports, without root."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from pathlib import Path

import psutil

from tests.edge_process import EdgeProcess, running_edge

__all__ = ["Proxy", "haproxy", "missing", "nginx", "through"]

PATIENCE_S = 20.0
EDGE = "patience: 1000"

NGINX = """
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
worker_shutdown_timeout 1s;
events {{ worker_connections 64; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  limit_req_zone $binary_remote_addr zone=one:32k rate=1r/m;
  map $status $retry_after {{ default ''; 429 3; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass http://{upstream}; }}
    location /signaling {{
      proxy_pass http://{signaling};
      proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;
      {extra}
    }}
  }}
}}
"""

HAPROXY = """
global
  maxconn 64
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend front
  bind 127.0.0.1:{port}
  {extra}
  default_backend back
backend back
  server edge {upstream}
"""


class Proxy:
    """A proxy that runs, and the edge behind it."""

    def __init__(self, url: str, process: subprocess.Popen[bytes], edge: EdgeProcess) -> None:
        self.url = url
        self.process = process
        self.edge = edge

    def kill_worker(self) -> None:
        """SIGKILL to nginx's worker; the master starts another."""
        for worker in psutil.Process(self.process.pid).children():
            worker.kill()

    def reload(self) -> None:
        """SIGHUP: the old worker may finish, for worker_shutdown_timeout."""
        self.process.send_signal(signal.SIGHUP)

    def die(self) -> None:
        """SIGKILL."""
        self.process.kill()

    def kill_edge(self) -> None:
        """The upstream goes."""
        self.edge.process.kill()


def missing(by: str) -> str:
    """What is not installed, if anything is that this fault takes."""
    program = by.split()[0]
    return program if program in ("nginx", "haproxy") and not shutil.which(_program(program)) else ""


def _program(name: str) -> str:
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin") or name


def nginx(extra: str = "", signaling: str = "") -> AbstractContextManager[Proxy]:
    """nginx with this at ``location /signaling``, and something else than the edge behind that if so told."""
    return _proxy(
        NGINX, lambda config: [_program("nginx"), "-p", str(config.parent), "-c", str(config)], extra, signaling
    )


def haproxy(extra: str = "") -> AbstractContextManager[Proxy]:
    """haproxy with this in its frontend."""
    return _proxy(HAPROXY, lambda config: [_program("haproxy"), "-db", "-f", str(config)], extra)


@contextmanager
def _proxy(template: str, command: Callable[[Path], list[str]], extra: str, signaling: str = "") -> Iterator[Proxy]:
    """Run it in front of an edge; ``signaling`` is in the edge's place for WebSockets."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        edge = stack.enter_context(_edge())
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        upstream = "{}:{}".format(*edge.address)
        places = {"folder": folder, "port": port, "upstream": upstream, "signaling": signaling or upstream}
        config, log = folder / "config", folder / "log"
        config.write_text(template.format(**places, extra=extra))
        with log.open("w") as output:
            process = subprocess.Popen(command(config), stdout=output, stderr=output)
        stack.callback(_end, process)
        _await_port(port, process, log)
        yield Proxy(f"http://127.0.0.1:{port}", process, edge)


@contextmanager
def _edge() -> Iterator[EdgeProcess]:
    """A simulated edge that may be killed."""
    with suppress(AssertionError), running_edge(EDGE) as edge:  # one that was killed does not end cleanly
        yield edge


def _end(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM, or a master that is killed leaves the worker that it has just started; then whatever is left."""
    workers = psutil.Process(process.pid).children() if process.poll() is None else []
    process.terminate()
    try:
        process.wait(PATIENCE_S)
    finally:
        process.kill()
        for worker in psutil.wait_procs(workers, timeout=PATIENCE_S)[1]:
            worker.kill()


def _await_port(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while True:
        with suppress(ConnectionRefusedError), closing(socket.create_connection(("127.0.0.1", port))):
            return
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline_s, log.read_text()
        time.sleep(0.02)


def through(
    proxied: Callable[[], AbstractContextManager[Proxy]],
    *,
    first: Callable[[Proxy], object] | None = None,
    once_answered: Callable[[Proxy], None] | None = None,
) -> Callable[[], AbstractContextManager[str]]:
    """The URL of a proxy.

    Args:
        proxied: starts it.
        first: done before anybody calls.
        once_answered: done when an offer has been answered.
    """

    @contextmanager
    def running() -> Iterator[str]:
        with proxied() as proxy, ExitStack() as stack:
            if first is not None:
                first(proxy)
            if once_answered is not None:
                thread = threading.Thread(target=_when_answered, args=(proxy, once_answered))
                thread.start()
                stack.callback(thread.join)
            yield proxy.url

    return running


def _when_answered(proxy: Proxy, act: Callable[[Proxy], None]) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline_s:
        if proxy.edge.stats()["sessions"]["answered"]:
            act(proxy)
            return
        time.sleep(0.02)
