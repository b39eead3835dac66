"""JsSIP, as a browser runs it, in a Node process: it registers, calls, and is called.

with JsSip("ws://127.0.0.1:8080/", "sip:1001@example.test", "secret") as softphone:
    assert softphone.started == {"event": "registered"}
    assert softphone.call("sip:1002@example.test")["event"] == "confirmed"
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

__all__ = ["JsSip"]

HERE = Path(__file__).parent
WEBRTC = HERE.parent / "webrtc"


class JsSip:
    """One user agent, which answers every call. Skips the test if Node or a package is missing.

    Attributes:
        started: what came of its registration: ``event`` is ``registered`` or ``registrationFailed``, with ``cause``.
    """

    def __init__(self, url: str, uri: str, password: str) -> None:
        if shutil.which("node") is None:
            pytest.skip("Node is not installed")
        if not (HERE / "node_modules/jssip").is_dir():
            pytest.skip("npm ci has not been run in tests/interop/sip")
        if not list(WEBRTC.glob("node_modules/@roamhq/wrtc-*")):
            pytest.skip("npm ci has not been run in tests/interop/webrtc")
        self._process = subprocess.Popen(
            ["node", str(HERE / "agent.js")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.started = self._do("start", url=url, uri=uri, password=password, answers=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.kill()
        self._process.communicate()

    def call(self, to: str) -> dict[str, Any]:
        """Call this URI: ``event`` is ``confirmed``, or ``failed`` with ``cause`` and ``status``."""
        return self._do("call", to=to)

    def hang_up(self) -> dict[str, Any]:
        """End the call: ``event`` is ``ended``."""
        return self._do("hang_up")

    def event(self, name: str) -> dict[str, Any]:
        """Wait for an event of the call, unless it has come: ``confirmed``, ``ended``, ``failed``."""
        return self._do("await", event=name)

    def _do(self, action: str, **parameters: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps({"do": action, **parameters}), file=self._process.stdin, flush=True)
        reply = self._process.stdout.readline()
        assert reply, "the process has ended"
        result: dict[str, Any] = json.loads(reply)
        return result
