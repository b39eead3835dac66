"""The softphones' TCP sockets: they wait on gevent's event loop, without what gevent's own socket does around that.

gevent's socket (26.9.0) does for every program whatever it may need, in Python: two watchers for each socket, a read
that is bound to fail before each wait, a ``Timeout`` object for each, two system calls more to connect. RunResults
(``benchmarks/sockets.py``): a round trip costs 0.57 of what it costs there, and a connection with one round trip 0.58.
It can go when that benchmark finds no difference.
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
    """The same target, reached by sockets of this kind.

    With another event loop than libev, as on Windows or with ``GEVENT_LOOP=libuv``, it stays with gevent's.
    """
    is_libev = type(get_hub().loop).__module__ == _LIBEV
    return replace(target, make_socket=Socket) if is_libev else target


def reached(target: Target) -> Target:
    """The target as a run uses it: with sockets of this kind, and the addresses that take a connection by one.

    Raises:
        AttemptFailed: as ``Target.reached``.
        InputError: as ``Target.reached``.
    """
    return with_own_sockets(target).reached(_REACH_S)


class Socket(SocketType):
    """A TCP socket for one greenlet at a time: of ``socket.socket`` the part that a ``Stream`` uses, with its errors.

    A time-out is set before anything that may wait, and is for one wait.
    """

    __slots__ = ("_readable", "_timeout_s")

    def __init__(self, family: int, kind: int) -> None:
        super().__init__(family, kind)
        self.setblocking(False)
        self._readable: Any = None
        self._timeout_s = 0.0

    def settimeout(self, seconds: float | None, /) -> None:
        assert seconds is not None, "nothing here waits for ever"
        self._timeout_s = seconds

    def connect(self, address: Any, /) -> None:
        error = self.connect_ex(address)
        if error == EINPROGRESS:
            error = self.connect_ex(address)  # a connection to this machine is there by now
        if error in (EINPROGRESS, EALREADY):
            self._wait_writable()
            error = self.getsockopt(SOL_SOCKET, SO_ERROR)
        if error not in (0, EISCONN):
            raise OSError(error, os.strerror(error))

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        while True:
            if self._readable is None:
                self._readable = get_hub().loop.io(self.fileno(), _READ)
            self._wait(self._readable)  # first: what was asked for a moment ago is not there yet
            try:
                return super().recv(size, flags)
            except BlockingIOError:
                continue

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
        """Let others run until the watcher has seen what it watches for.

        Raises:
            TimeoutError: it has not in time.
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
