"""Shows every request that a run would make, with secrets masked, without sending one to the real edge.

One softphone makes its calls with the code that a run uses, without the pauses. A simulated edge on this machine
answers in place of the real one and issues its own token, so no secret is read.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from itertools import count
from math import inf
from typing import Any

from locust_softphone.config.profile import Profile
from locust_softphone.errors import AttemptFailed, InputError
from locust_softphone.jid import Jid
from locust_softphone.metrics.attempt import Attempt
from locust_softphone.metrics.retry_after_sample import RetryAfterSample
from locust_softphone.metrics.steps import DIALECTS
from locust_softphone.retry.budget import RetryBudget
from locust_softphone.runs.edge_process import EdgeProcess
from locust_softphone.signaling.account import CALL_TO, Account
from locust_softphone.signaling.context import SoftphoneContext
from locust_softphone.signaling.dialects.by_name import dialect_of
from locust_softphone.signaling.dialects.genesys_cloud.users import User
from locust_softphone.signaling.hosts import Hosts
from locust_softphone.signaling.oauth import SIMULATED_CREDENTIALS
from locust_softphone.signaling.recording import record
from locust_softphone.signaling.softphone import Softphone
from locust_softphone.signaling.target import Target
from locust_softphone.signaling.token import Token

__all__ = ["dry_run"]

_USER = "dry-run"


def dry_run(
    profile: Profile, hosts: Hosts, users: Sequence[User], call_to: str | None, say: Callable[[str], None]
) -> None:
    """Show what one softphone of ``profile`` would send to ``hosts``.

    Args:
        profile: the profile of the run.
        hosts: the edge; no connection to it is made, and its names are not resolved.
        users: the users of the softphones; empty if each softphone asks the edge for its user.
        call_to: the number to call, or None.
        say: called with each line to show.

    Raises:
        InputError: the simulated edge refuses what the softphone sends.
    """
    if profile.dialect not in DIALECTS:
        raise InputError(f"--dry-run: no simulated edge answers the dialect {profile.dialect}")
    user = users[0] if users else User()
    jid = Jid.parse(user.jid)
    name, domain = (jid.local, jid.domain) if jid else (_USER, "")
    grant = {"name": name, "access_token": "of-the-dry-run"}
    policy: dict[str, Any] = {"genesys_cloud": {"users": [grant], **({"domain": domain} if domain else {})}}
    if profile.wire:
        policy["wire"] = profile.wire.model_dump(mode="json")
    edge = EdgeProcess.with_policy(policy, profile.name)
    try:
        stand_in = Target.parse(edge.url).resolved()
        numbers = count(1)

        token = _KnownToken()

        def show(url: str, text: str) -> None:
            for line in _lines(url, token.masked(text), numbers):
                say(line)

        account = Account(
            hosts.each(lambda target: record(target, stand_in, name, show)),
            SIMULATED_CREDENTIALS,
            [User(user.jid, grant["access_token"] if user.token else "")] if users else (),
            call_to or CALL_TO,
        )
        _make_calls(profile, account, token, say)
    finally:
        edge.stop()


class _KnownToken:
    """The token of the stand-in, so that it is masked wherever a wire has it; with the credentials of the stand-in."""

    def __init__(self) -> None:
        self._token: Token | None = None

    def get(self, fetch: Callable[[], Token]) -> Token:
        self._token = self._token or fetch()
        return self._token

    def reject(self, token: Token) -> None:
        self._token = None

    def masked(self, text: str) -> str:
        """``text`` without the token and the credentials."""
        bearer = self._token.bearer if self._token else ""
        for secret in (bearer, SIMULATED_CREDENTIALS.client_secret, SIMULATED_CREDENTIALS.basic):
            text = text.replace(secret, "***") if secret else text
        return text


def _make_calls(profile: Profile, account: Account, token: _KnownToken, say: Callable[[str], None]) -> None:
    """Make one softphone's calls without the pauses between them; stop at the first failure."""
    rng, began_s = random.Random(), time.perf_counter()
    behaviour = profile.softphone.model_copy(
        update={"retry": profile.softphone.retry.model_copy(update={"max_retries": 0}), "token": "per-softphone"}
    )
    observer = _LastFailure()
    context = SoftphoneContext(
        behaviour=behaviour,
        dialect=dialect_of(profile, account, rng),
        observer=observer,
        shared_token=token,
        shared_backoff=None,
        budget=RetryBudget(inf),
        clock=lambda: time.perf_counter() - began_s,
        sleep=time.sleep,
        random=rng,
        end_s=inf,
        goodbye_s=behaviour.timeout_s,
    )
    phone = Softphone(context, 0, 0.0)
    for index in range(behaviour.calls.count):
        if index and behaviour.connection == "per-call":
            phone.hang_up()
        say(f"# call {index + 1} of {behaviour.calls.count}")
        if not phone.call():
            raise InputError(f"the simulated edge refused it: {observer.failure}")
    say("# goodbye")
    phone.hang_up()


def _lines(url: str, text: str, numbers: count[int]) -> list[str]:
    """The lines that show a request or a WebSocket message."""
    head, _, body = text.partition("\r\n\r\n")
    request, *headers = head.split("\r\n")
    method, _, rest = request.partition(" ")
    if method in ("GET", "POST") and rest.endswith(" HTTP/1.1"):
        shown = [header for header in headers if not header.lower().startswith("host:")]
        line = f"{next(numbers)}. {method} {url}{rest.removesuffix(' HTTP/1.1')}"
        return [line, *(f"      {each}" for each in (*shown, *body.splitlines()))]
    message, *following = text.splitlines() or [""]
    return [f"   ► {message}", *(f"     {line}".rstrip() for line in following)]


class _LastFailure:
    """An observer of the softphone that only keeps the last failure."""

    def __init__(self) -> None:
        self.failure = ""

    def attempt(self, attempt: Attempt, failure: AttemptFailed | None) -> None:
        if failure is not None:
            self.failure = f"{attempt.step}: {failure}"

    def session(self, opened_s: float, ended_s: float, how: str, softphone: int) -> None: ...

    def retry(self, retry: RetryAfterSample) -> None: ...

    def count(self, name: str, at_s: float, by: int = 1) -> None: ...

    def duration(self, name: str, seconds: float) -> None: ...

    def call(self, planned_s: float, began_s: float, ended_s: float, failure: AttemptFailed | None) -> None: ...
