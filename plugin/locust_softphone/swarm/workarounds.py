"""Where Locust itself gets in the way. Each says which version, what was measured, and how to tell when it can go."""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable
from types import SimpleNamespace

import gevent
from locust import argument_parser, runners, stats
from locust.env import Environment

__all__ = ["apply", "forget_seconds_long_past", "leave_users_where_they_are", "let_csv_files_catch_up"]


_WRITTEN_S = 0.2
_FORGOTTEN_EVERY_S = 60.0
_REMEMBERED_S = 30


def apply() -> None:
    """Apply all of them; safe to call more than once."""
    _cache_default_arguments()
    _mute_spawn_rate_warning()
    _keep_time_steadily()


def _cache_default_arguments() -> None:
    """Locust 2.47.0 builds its argument parser once per option on every spawn message (runners.py, handle_message).

    Measured: 116 ms of blocked event loop per message on a worker, so every latency in a ramp is wrong; 23 ms at most
    with the result cached. It can go when ``handle_message`` calls ``default_args_dict`` once, outside its loop.
    """
    if not hasattr(argument_parser.default_args_dict, "cache_info"):
        argument_parser.default_args_dict = functools.cache(argument_parser.default_args_dict)


def _keep_time_steadily() -> None:
    """Locust 2.47.0 tells durations by the wall clock (runners.py), which can be set.

    Set forward by a minute, its worker leaves, as if it had not heard of its master for so long. Set back, the worker
    ignores the next message that spawns users, as if it were an old one, and a shape that is being asked is not asked
    again for as long as that. It can go when runners.py uses a monotonic clock.
    """
    if vars(runners)["time"] is time:
        offset_s = time.time() - time.perf_counter()
        steady = {"time": lambda: offset_s + time.perf_counter()}
        vars(runners)["time"] = SimpleNamespace(**{**vars(time), **steady})


def leave_users_where_they_are(runner: runners.MasterRunner) -> None:
    """Once all users exist, keep Locust 2.47.0 from moving them when a worker comes or goes.

    Its dispatcher would stop users on the others, softphones in mid-call among them, to even out their numbers, and a
    minute after a worker is lost start all over from none (runners.py, heartbeat_worker). Measured: a surviving worker
    dropped from 10 users to 4. It can go when a shape can tell Locust to leave its users alone.
    """
    runner._users_dispatcher = None
    runners.HEARTBEAT_DEAD_INTERNAL = -(10**9)


def let_csv_files_catch_up(csv_prefix: str | None) -> None:
    """Locust 2.47.0 writes its ``--csv`` files once a second, and not once more at the end (main.py, shutdown).

    Measured: a run that ended at once after everybody had hung up had no row for that. It can go when ``shutdown``
    writes the files before it closes them.
    """
    if csv_prefix:
        gevent.sleep(stats.CSV_STATS_INTERVAL_SEC + _WRITTEN_S)


def forget_seconds_long_past(environment: Environment, over: Callable[[], bool]) -> None:
    """Until the run is over, drop the requests by second that Locust 2.47.0 and 2.46.0 keep for ever (stats.py).

    They look back 12 s, for the current rate. Measured: 570 bytes more with each second of a soak, 20 with this. Only
    ``--json`` and ``--json-file`` write them all, so then they stay. It can go when a ``StatsEntry`` drops them itself.
    """
    options = environment.parsed_options
    if getattr(options, "json", False) or getattr(options, "json_file", None):
        return
    while not over():
        gevent.sleep(_FORGOTTEN_EVERY_S)
        forget_seconds(environment.stats)


def forget_seconds(kept: stats.RequestStats) -> None:
    """Drop those that are so long past that Locust does not look at them."""
    last_s = int(kept.last_request_timestamp or 0)
    for entry in (kept.total, *kept.entries.values()):
        for counts in (entry.num_reqs_per_sec, entry.num_fail_per_sec):
            for second in [each for each in counts if each < last_s - _REMEMBERED_S]:
                del counts[second]


class _NoSpawnRateWarning(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        return "selected spawn rate is very high" not in record.getMessage()


def _mute_spawn_rate_warning() -> None:
    """Locust warns above 100 users a second per process; here users are made ahead and wait, so it does not apply."""
    logger = logging.getLogger("locust.runners")
    if not any(isinstance(each, _NoSpawnRateWarning) for each in logger.filters):
        logger.addFilter(_NoSpawnRateWarning())
