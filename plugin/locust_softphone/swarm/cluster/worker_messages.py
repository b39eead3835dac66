"""What workers say, checked before it is used: another program can connect to a master, and a worker can be broken.

Counts are finite and not negative, and seconds are those of the plan, so that one message can neither fill the memory
nor make the figures of a run wrong.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from locust_softphone.metrics.tally import Tally
from locust_softphone.swarm.cluster.messages import MessageType

__all__ = ["UnusableMessage", "read_report", "read_worker_message"]

_Name = Annotated[str, Field(max_length=200)]
_MOST = 20_000
_Count = Annotated[int, Field(ge=0, le=3_600_000_000)]  # an hour in microseconds is the longest duration
_Counts = Annotated[dict[_Name, _Count], Field(max_length=_MOST)]


class UnusableMessage(ValueError):
    """A worker's message cannot be used; the text says why, in one line."""


class _Message(BaseModel):
    model_config = ConfigDict(strict=True, extra="allow")


class _Joined(_Message):
    version: Annotated[str, Field(max_length=100)]
    loopback: _Name = ""


class _Cannot(_Message):
    problems: Annotated[list[Annotated[str, Field(max_length=2_000)]], Field(max_length=20)]


class _Echo(_Message):
    sent_s: FiniteFloat


class _BackOff(_Message):
    step: _Name
    for_s: Annotated[float, Field(ge=0, le=86_400)]


class _TokenRequest(_Message):
    rejected: str | None


class _Tally(_Message):
    counts: _Counts
    latencies: Annotated[dict[_Name, list[_Count]], Field(max_length=_MOST)]
    timeline: list[Annotated[tuple[_Count, _Counts], Field(strict=False)]]
    first_s: dict[_Name, FiniteFloat]
    last_s: dict[_Name, FiniteFloat]


class _Report(_Message):
    until_s: FiniteFloat
    tally: _Tally


_MODELS: dict[str, type[_Message]] = {
    MessageType.JOINED: _Joined,
    MessageType.CANNOT: _Cannot,
    MessageType.ECHO: _Echo,
    MessageType.BACK_OFF: _BackOff,
    MessageType.TOKEN_REQUEST: _TokenRequest,
}


def read_worker_message(kind: str, data: Any) -> dict[str, Any]:
    """A message's data, checked for its kind. Tallies are checked by ``read_report``.

    Raises:
        UnusableMessage: a key is missing, or a value has another type or is out of range.
    """
    if not isinstance(data, dict):
        raise UnusableMessage(f"{kind}: it has no data")
    if kind in _MODELS:
        _validate(_MODELS[kind], kind, data)
    return data


def read_report(kind: str, data: dict[str, Any], last_second: float) -> tuple[Tally, float]:
    """The tally of a report, and up to when it is complete, in seconds since the plan's start.

    Args:
        kind: of the message.
        data: of the message.
        last_second: the last one that anything can be measured in.

    Raises:
        UnusableMessage: it is not what a worker measures.
    """
    _validate(_Report, kind, data)
    try:
        tally = Tally.from_plain(data["tally"])
        last = tally.last_second()
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise UnusableMessage(f"{kind}: {error}") from None
    if last > last_second:
        raise UnusableMessage(f"{kind}: second {last} is not in the plan")
    return tally, data["until_s"]


def _validate(model: type[_Message], kind: str, data: Any) -> None:
    try:
        model.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(each) for each in first["loc"])
        raise UnusableMessage(f"{kind}, {where}: {first['msg']}") from None
