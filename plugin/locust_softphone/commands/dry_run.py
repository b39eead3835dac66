"""Every request that a run would make, secrets masked, and none of them sent: ``locust-softphone describe --dry-run``.

One softphone lives its calls through the code that a run uses, without its pauses. A simulated edge on this machine
answers in place of the real one, with a token of its own: no secret is even read.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from itertools import count
from math import inf

from locust_softphone import __version__
from locust_softphone.config.profile import Profile
from locust_softphone.errors import AttemptFailed, InputError
from locust_softphone.metrics.retry_after_sample import RetryAfterSample
from locust_softphone.metrics.tally import Attempt
from locust_softphone.retry.budget import RetryBudget
from locust_softphone.runs.edge_process import EdgeProcess
from locust_softphone.signaling.context import SoftphoneContext
from locust_softphone.signaling.dialects import Account, dialect_for
from locust_softphone.signaling.dialects.genesys_cloud.client import CALL_TO
from locust_softphone.signaling.dialects.genesys_cloud.users import User
from locust_softphone.signaling.hosts import Hosts
from locust_softphone.signaling.recording import record
from locust_softphone.signaling.softphone import Softphone
from locust_softphone.signaling.target import Target
from locust_softphone.swarm.options import SIMULATED_CREDENTIALS

__all__ = ["dry_run"]

_USER = "dry-run"


def dry_run(
    profile: Profile, hosts: Hosts, users: Sequence[User], call_to: str | None, say: Callable[[str], None]
) -> None:
    """Say what one softphone of ``profile`` would send to ``hosts``.

    Args:
        profile: what the run would be of.
        hosts: the edge; it is not reached, nor are its names looked up.
        users: whose softphones they are; none where each asks who it is.
        call_to: whom they would call.
        say: is given a line at a time.

    Raises:
        InputError: the simulated edge does not take the softphone for what it is.
    """
    user = users[0] if users else User()
    name, _, domain = user.jid.partition("@")
    name = name.lower() or _USER
    grant = {"name": name, "access_token": "of-the-dry-run"}
    policy = {"genesys_cloud": {"users": [grant], **({"domain": domain.lower()} if domain else {})}}
    edge = EdgeProcess.with_policy(policy, profile.name)
    try:
        stand_in = Target.parse(edge.url).resolved()
        numbers = count(1)

        def told(url: str, text: str) -> None:
            for line in _lines(url, text, numbers):
                say(line)

        account = Account(
            hosts.each(lambda target: record(target, stand_in, name, told)),
            SIMULATED_CREDENTIALS,
            [User(user.jid, grant["access_token"] if user.token else "")] if users else (),
            call_to or CALL_TO,
        )
        _live(profile, account, say)
    finally:
        edge.stop()


def _live(profile: Profile, account: Account, say: Callable[[str], None]) -> None:
    """One softphone's calls, without the pauses between them; the first failure is the last word."""
    chance, began_s = random.Random(), time.perf_counter()
    behaviour = profile.softphone.model_copy(
        update={"retry": profile.softphone.retry.model_copy(update={"max_retries": 0}), "token": "per-softphone"}
    )
    told = _Told()
    context = SoftphoneContext(
        behaviour=behaviour,
        dialect=dialect_for(
            profile.dialect,
            account,
            timeout_s=behaviour.timeout_s,
            user_agent=f"locust-softphone/{__version__}",
            random=chance,
        ),
        observer=told,
        shared_token=None,
        shared_backoff=None,
        budget=RetryBudget(inf),
        clock=lambda: time.perf_counter() - began_s,
        sleep=time.sleep,
        random=chance,
        end_s=inf,
        goodbye_s=behaviour.timeout_s,
    )
    phone = Softphone(context, 0, 0.0)
    for index in range(behaviour.calls.count):
        if index and behaviour.connection == "per-call":
            phone.hang_up()
        say(f"# call {index + 1} of {behaviour.calls.count}")
        if not phone.call():
            raise InputError(f"the simulated edge would not have it: {told.failed}")
    say("# goodbye")
    phone.hang_up()


def _lines(url: str, text: str, numbers: count[int]) -> list[str]:
    """A request or a message on a WebSocket as it is shown."""
    head, _, body = text.partition("\r\n\r\n")
    request, *headers = head.split("\r\n")
    method, _, rest = request.partition(" ")
    if method in ("GET", "POST") and rest.endswith(" HTTP/1.1"):
        shown = [header for header in headers if not header.lower().startswith("host:")]
        line = f"{next(numbers)}. {method} {url}{rest.removesuffix(' HTTP/1.1')}"
        return [line, *(f"      {each}" for each in (*shown, *body.splitlines()))]
    return [f"   ► {text}"]


class _Told:
    """An observer that keeps the last failure."""

    def __init__(self) -> None:
        self.failed = ""

    def attempt(self, attempt: Attempt, failure: AttemptFailed | None) -> None:
        if failure is not None:
            self.failed = f"{attempt.step}: {failure}"

    def retry(self, retry: RetryAfterSample) -> None:
        """Nothing is tried again."""

    def count(self, name: str, at_s: float, by: int = 1) -> None:
        """Nothing is counted."""

    def duration(self, name: str, seconds: float) -> None:
        """Nothing is measured."""

    def call(self, planned_s: float, began_s: float, ended_s: float, failure: AttemptFailed | None) -> None:
        """Whether it was answered, ``Softphone.call`` says."""
