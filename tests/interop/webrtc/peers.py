"""A WebRTC stack in a Node process: it makes offers, answers offers, and accepts or refuses answers.

with Peer("werift") as peer:
    offer = peer.offer("audio", "video")
    peer.accept(make_answer(parse(offer), rng))
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

__all__ = ["LIBWEBRTC", "WERIFT", "Peer", "PeerError"]

HERE = Path(__file__).parent
LIBWEBRTC, WERIFT = "@roamhq/wrtc", "werift"


class PeerError(Exception):
    """The stack refuses a description. The message is the one of the stack."""


class Peer:
    """One process with one stack. Skips the test if Node or the stack is missing."""

    def __init__(self, stack: str) -> None:
        if shutil.which("node") is None:
            pytest.skip("Node is not installed")
        if not (HERE / "node_modules" / stack).is_dir():
            pytest.skip(f"npm ci has not been run in tests/interop/{HERE.name}")
        if stack == LIBWEBRTC and not list(HERE.glob("node_modules/@roamhq/wrtc-*")):
            pytest.skip("@roamhq/wrtc has no binary for this platform")
        self._process = subprocess.Popen(
            ["node", str(HERE / "peer.js"), stack], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=HERE
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.kill()
        self._process.communicate()

    def offer(self, *media: str, **configuration: str) -> str:
        """The offer of a new peer connection; each medium is audio, video or data."""
        return self._do("offer", media=media, configuration=configuration)

    def answer(self, offer: str) -> str:
        """The answer of a new peer connection to this offer."""
        return self._do("answer", sdp=offer)

    def accept(self, answer: str) -> None:
        """Give this answer to the peer connection that made the last offer."""
        self._do("accept", sdp=answer)

    def _do(self, action: str, **parameters: Any) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps({"do": action, **parameters}), file=self._process.stdin, flush=True)
        reply = self._process.stdout.readline()
        assert reply, "the process has ended"
        result: dict[str, str] = json.loads(reply)
        if "error" in result:
            raise PeerError(result["error"])
        return result["sdp"]
