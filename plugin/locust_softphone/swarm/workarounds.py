"""Workarounds for problems in Locust. Each names the version, what was measured, and how to tell when it can go."""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable
from types import SimpleNamespace

import gevent
from locust import argument_parser, runners, stats
from locust.env import Environment
from locust.exception import RPCError
from locust.rpc.protocol import Message

__all__ = [
    "apply",
    "await_last_csv_rows",
    "call_runs_stopped_without_lost_workers",
    "drop_old_seconds_repeatedly",
    "exit_at_once",
    "is_missing",
    "keep_lost_workers_listed",
    "keep_users_in_place",
    "survive_unusable_messages",
]


_CSV_WRITE_S = 0.2
_DROP_EVERY_S = 60.0
_ENDED_WITHIN_S = 3600.0
_KEPT_S = 30
_DEAD_BEATS = runners.HEARTBEAT_DEAD_INTERNAL

logger = logging.getLogger(__name__)


def apply() -> None:
    """Apply those that concern the whole process; safe to call more than once."""
    _cache_default_arguments()
    _mute_spawn_rate_warning()
    _use_monotonic_clock()


def _cache_default_arguments() -> None:
    """Locust 2.47.0 builds its argument parser once per option for each spawn message (runners.py, handle_message).

    Measured: each message blocks a worker's event loop for 116 ms, so latencies during a ramp are wrong; at most 23 ms
    with the result cached. It can go when ``handle_message`` calls ``default_args_dict`` once, outside its loop.
    """
    if not hasattr(argument_parser.default_args_dict, "cache_info"):
        argument_parser.default_args_dict = functools.cache(argument_parser.default_args_dict)


def _use_monotonic_clock() -> None:
    """Locust 2.47.0 measures durations by the wall clock (runners.py), which can be set during a run.

    If it is set forward by a minute, the worker leaves, as if its master had been silent for a minute. If it is set
    back, the worker ignores the next spawn message as outdated, and the shape is not asked again for that time. It can
    go when runners.py uses a monotonic clock.
    """
    if vars(runners)["time"] is time:
        offset_s = time.time() - time.perf_counter()
        steady = {"time": lambda: offset_s + time.perf_counter()}
        vars(runners)["time"] = SimpleNamespace(**{**vars(time), **steady})


def keep_users_in_place(runner: runners.MasterRunner) -> None:
    """Keep Locust 2.47.0 from moving users when a worker joins or is lost, once all users exist.

    Its dispatcher would stop users of the other workers during their calls to even out the numbers, and a minute after
    a worker is lost start again from no users (runners.py, heartbeat_worker). Measured: a surviving worker dropped from
    10 users to 4. It can go when a shape can disable rebalancing.
    """
    runner._users_dispatcher = None


def keep_lost_workers_listed(keep: bool) -> None:
    """Keep Locust 2.47.0 from removing a lost worker while users exist; see ``keep_users_in_place``.

    Removing one makes its master start all users again (runners.py, heartbeat_worker). Between runs it removes a worker
    that has been missing for a minute.
    """
    runners.HEARTBEAT_DEAD_INTERNAL = -(10**9) if keep else _DEAD_BEATS


def is_missing(runner: runners.MasterRunner, worker: str) -> bool:
    """Whether Locust does not hear from this worker any more."""
    client = runner.clients.get(worker)
    return client is None or client.state == runners.STATE_MISSING


def call_runs_stopped_without_lost_workers(runner: runners.MasterRunner) -> None:
    """Locust 2.47.0 calls a run stopped when all workers say so, the lost ones too (runners.py, check_stopped).

    Measured: a worker that was killed while nothing ran let one more run finish; every later start was refused. It can
    go when ``check_stopped`` leaves out the workers whose state is missing.
    """
    check_all = runner.check_stopped

    def check_present() -> None:
        present = [each for each in runner.clients.values() if each.state != runners.STATE_MISSING]
        if runner.state == runners.STATE_STOPPING and all(each.state == runners.STATE_INIT for each in present):
            runner.update_state(runners.STATE_STOPPED)
        else:
            check_all()

    runner.check_stopped = check_present  # type: ignore[method-assign]


def survive_unusable_messages(runner: runners.MasterRunner, on_unusable: Callable[[str, str], None]) -> None:
    """Locust 2.47.0 listens to no worker any more after a message that it cannot read or handle (runners.py).

    ``client_listener`` ends with an exception if msgpack cannot decode a message, or if a message of Locust's own has
    no data. Measured: one such message, and the master heard nothing more. It can go when the listener survives both.

    Args:
        runner: the master's.
        on_unusable: is called with the id of the worker and with what was wrong.
    """
    handle = runner.handle_message
    receive: Callable[[], tuple[str, Message]] = runner.server.recv_from_client

    def handle_safely(client_id: str, msg: Message) -> None:
        try:
            handle(client_id, msg)
        except Exception as error:
            logger.error("worker %s sent an unusable message (%s: %r)", client_id, msg.type, error)
            on_unusable(client_id, f"sent an unusable message ({msg.type})")

    def receive_safely() -> tuple[str, Message]:
        while True:
            try:
                client_id, msg = receive()
                if isinstance(msg.type, str):
                    return client_id, msg
                logger.error("worker %s sent a message without a type", client_id)
            except RPCError:
                raise
            except Exception as error:
                logger.error("a message that is not one of Locust's was ignored (%s)", type(error).__name__)

    runner.handle_message = handle_safely  # type: ignore[method-assign]
    runner.server.recv_from_client = receive_safely  # type: ignore[method-assign]


def exit_at_once(code: int) -> None:
    """End a process without a web UI whose run cannot start, from any greenlet.

    Locust 2.47.0 has no way to refuse a run in ``test_start``: it creates the users, says that all are spawned, and
    prints empty tables of statistics. The main greenlet waits for the shape; its ``finally`` tells the workers to quit.
    It can go when a listener of ``test_start`` can stop the run.
    """
    gevent.get_hub().handle_system_error(SystemExit, SystemExit(code))
    gevent.sleep(_ENDED_WITHIN_S)  # it must not go on to create the users; the end of the process kills it


def await_last_csv_rows(csv_prefix: str | None) -> None:
    """Wait for one more write of Locust 2.47.0's ``--csv`` files: it writes each second, but not at the end (main.py).

    Measured: without it, the files of a run that ended at once after the hang-ups had no row for the step ``close``. It
    can go when ``shutdown`` writes the files before it closes them.
    """
    if csv_prefix:
        gevent.sleep(stats.CSV_STATS_INTERVAL_SEC + _CSV_WRITE_S)


def drop_old_seconds_repeatedly(environment: Environment, over: Callable[[], bool]) -> None:
    """Until the run is over, drop the counts per second that Locust 2.46 and 2.47 keep for ever (stats.py).

    Locust uses only the last 12 s, for the current rate. Measured: a soak grows by 570 bytes each second, with this by
    20. ``--json`` and ``--json-file`` print all of them, so then they are kept. It can go when a ``StatsEntry`` drops
    them itself.
    """
    options = environment.parsed_options
    if getattr(options, "json", False) or getattr(options, "json_file", None):
        return
    while not over():
        gevent.sleep(_DROP_EVERY_S)
        drop_old_seconds(environment.stats)


def drop_old_seconds(kept: stats.RequestStats) -> None:
    """Drop the counts of seconds that Locust no longer uses."""
    last_s = int(kept.last_request_timestamp or 0)
    for entry in (kept.total, *kept.entries.values()):
        for counts in (entry.num_reqs_per_sec, entry.num_fail_per_sec):
            for second in [each for each in counts if each < last_s - _KEPT_S]:
                del counts[second]


class _NoSpawnRateWarning(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        return "selected spawn rate is very high" not in record.getMessage()


def _mute_spawn_rate_warning() -> None:
    """Locust warns above 100 users per second and process. Our users are spawned early and wait: it does not apply."""
    logger = logging.getLogger("locust.runners")
    if not any(isinstance(each, _NoSpawnRateWarning) for each in logger.filters):
        logger.addFilter(_NoSpawnRateWarning())
