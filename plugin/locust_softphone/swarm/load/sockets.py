"""TCP sockets for softphones: they wait on gevent's event loop, with less overhead than gevent's own sockets.

gevent's socket (26.9.0) is general, and does more in Python: two watchers for each socket, a read that fails before
each wait, a ``Timeout`` object for each wait, two more system calls to connect. Measured (``benchmarks/sockets.py``): a
round trip costs 0.57 of gevent's CPU time, a connection with one round trip 0.58. It can go when that benchmark finds
no difference.
"""

from __future__ import annotations

import os
from _socket import SO_ERROR, SOL_SOCKET, SocketType
from dataclasses import replace
from errno import EALREADY, EINPROGRESS, EISCONN
from typing import Any

from gevent import get_hub, getcurrent

from locust_softphone.signaling.target import Target

__all__ = ["Socket", "reached", "with_own_sockets"]

_REACH_S = 5.0
_READ, _WRITE = 1, 2
_LIBEV = "gevent.libev.corecext"


def with_own_sockets(target: Target) -> Target:
    """The same target with sockets of this class; with gevent's if the event loop is not libev (``GEVENT_LOOP``)."""
    is_libev = type(get_hub().loop).__module__ == _LIBEV
    return replace(target, make_socket=Socket) if is_libev else target


def reached(target: Target) -> Target:
    """The target as a run uses it: with sockets of this class, and the addresses that accept a connection.

    Raises:
        AttemptFailed: as ``Target.reached``.
        InputError: as ``Target.reached``.
    """
    return with_own_sockets(target).reached(_REACH_S)


class Socket(SocketType):
    """A TCP socket for one greenlet at a time: the part of ``socket.socket`` that a ``Stream`` uses, with its errors.

    Set a timeout before each call that may wait; it limits one wait. With a timeout of 0, ``recv`` does not wait.
    """

    __slots__ = ("_readable", "_timeout_s")

    def __init__(self, family: int, kind: int) -> None:
        super().__init__(family, kind)
        self.setblocking(False)
        self._readable: Any = None
        self._timeout_s = 0.0

    def settimeout(self, seconds: float | None, /) -> None:
        assert seconds is not None, "a softphone never waits without a limit"
        self._timeout_s = seconds

    def connect(self, address: Any, /) -> None:
        error = self.connect_ex(address)
        if error == EINPROGRESS:
            error = self.connect_ex(address)  # a connection to this machine is complete by now
        if error in (EINPROGRESS, EALREADY):
            self._wait_writable()
            error = self.getsockopt(SOL_SOCKET, SO_ERROR)
        if error not in (0, EISCONN):
            raise OSError(error, os.strerror(error))

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        if not self._timeout_s:
            return super().recv(size, flags)
        while True:
            if self._readable is None:
                self._readable = get_hub().loop.io(self.fileno(), _READ)
            late = False
            try:
                self._wait(self._readable)  # first, since a reply is never there at once
            except TimeoutError:
                late = True  # or only this process is: the reply may have come long ago
            try:
                return super().recv(size, flags)
            except BlockingIOError:
                if late:
                    raise TimeoutError from None

    def send(self, data: Any, flags: int = 0, /) -> int:
        while True:
            try:
                return super().send(data, flags)
            except BlockingIOError:
                self._wait_writable()

    def close(self) -> None:
        readable, self._readable = self._readable, None
        if readable is not None:
            readable.close()
        super().close()

    def _wait_writable(self) -> None:
        writable = get_hub().loop.io(self.fileno(), _WRITE)
        try:
            self._wait(writable)
        finally:
            writable.close()

    def _wait(self, watcher: Any) -> None:
        """Let other greenlets run until the watcher fires.

        Raises:
            TimeoutError: it did not fire in time.
        """
        hub = get_hub()
        timer = hub.loop.timer(self._timeout_s)
        switch = getcurrent().switch
        watcher.start(switch, watcher)
        timer.start(switch, timer)
        try:
            while (happened := hub.switch()) is not watcher:
                if happened is timer:
                    raise TimeoutError
        finally:
            watcher.stop()
            timer.close()
