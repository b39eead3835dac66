"""A profile: how many softphones, when they start, how they behave, and what the run must show. One YAML file each.

    name: burst-500
    users: 500
    ramp: 60s           or 0s · {rate: 50/s} · {stages: [{to: 100, over: 10s}, {hold: 30s}, {to: 500, over: 60s}]}
    hold: 20s
    softphone: {like: sdk-2.1.0, retry: {max_retries: 0}}
    expect: [rate_limited == 0]

The first comment of the file says what the profile shows; it is kept as ``about``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field, PlainSerializer, PlainValidator, ValidationInfo, WithJsonSchema, field_validator

from locust_softphone.config import strict_yaml
from locust_softphone.config.behaviour import Behaviour
from locust_softphone.config.expectation import PATTERN, Expectation
from locust_softphone.config.schedule import Arrivals, Schedule, Stage
from locust_softphone.config.strict_yaml import StrictModel
from locust_softphone.config.units import LONGEST_S, PerSecond, Seconds, format_duration, format_rate
from locust_softphone.errors import InputError
from locust_softphone.metrics.catalogue import FIELDS, fields_of
from locust_softphone.metrics.steps import DEFAULT_DIALECT, request_steps
from locust_softphone.text import choices, one_line, quoted

__all__ = ["Profile", "ProfileFile", "list_profiles", "load_profile", "pack_folder", "profile_folders"]

NAME = "[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
MOST_USERS = 1_000_000


class Rise(StrictModel):
    """A stage in which softphones start."""

    to: int = Field(ge=1, le=MOST_USERS, description="How many softphones have started by its end.")
    over_s: Seconds = Field(
        0.0,
        alias="over",
        description="How long it takes; 0s starts them all at the same instant.",
        json_schema_extra={"default": "0s"},
    )


class Pause(StrictModel):
    """A stage in which nobody starts."""

    hold_s: Seconds = Field(alias="hold", description="How long it takes.")


class Rate(StrictModel):
    """A ramp of so many starts per second."""

    rate_per_s: PerSecond = Field(alias="rate", description="Starts per second.")


class Stages(StrictModel):
    """A ramp of stages, one after the other."""

    stages: tuple[Rise | Pause, ...] = Field(strict=False, description="The last one must reach `users`.")


def _text_schema(examples: list[str]) -> dict[str, Any]:
    return {"type": "string", "pattern": PATTERN, "examples": examples}


_ABORTING_SCHEMA = {
    "type": "object",
    "properties": {
        "that": _text_schema(["rate_limited == 0"]),
        "abort": {"type": "boolean", "description": "Whether the run ends as soon as it can no longer hold."},
    },
    "required": ["that"],
    "additionalProperties": False,
}

ExpectationEntry = Annotated[
    Expectation,
    PlainValidator(lambda entry: entry if isinstance(entry, Expectation) else Expectation.read(entry)),
    PlainSerializer(Expectation.plain, return_type=str | dict[str, Any], when_used="json"),
    WithJsonSchema({"anyOf": [_text_schema(["rate_limited == 0", "answered == 100%"]), _ABORTING_SCHEMA]}),
]


class Profile(StrictModel):
    """What one run is to do, with nothing left open: the file's text plus every default."""

    name: str = Field(
        description="Names the run and its folder; in the pack, the file's name without .yaml.",
        json_schema_extra={"pattern": f"^{NAME}$"},
    )
    about: str = Field("", description="What the profile shows; the file's first comment unless written here.")
    users: int = Field(ge=1, le=MOST_USERS, description="How many softphones there are in all.")
    ramp: Seconds | Rate | Stages = Field(
        description="When they start: over how long (0s: all at the same instant), at which rate, or in stages."
    )
    arrivals: Arrivals = Field("uniform", description="Evenly spaced, or as a Poisson process would have them.")
    seed: int = Field(0, ge=0, le=2**32 - 1, description="Of the Poisson arrivals: the same seed is the same plan.")
    hold_s: Seconds = Field(
        15.0,
        alias="hold",
        description="How long the last softphone stays after its start.",
        json_schema_extra={"default": "15s"},
    )
    dialect: Literal["media-offer", "genesys-cloud"] = Field(
        DEFAULT_DIALECT, description="What is said on the wire: the simulated edge's own, or Genesys Cloud's."
    )
    edge: dict[str, Any] = Field(
        default_factory=dict,
        description="The policy of the simulated edge that is started for this profile, unless a policy file is named.",
    )
    softphone: Behaviour = Field(default_factory=lambda: Behaviour.model_validate({}), description="How each behaves.")
    expect: tuple[ExpectationEntry, ...] = Field((), strict=False, description="What the run must show to exit with 0.")

    @field_validator("name")
    @classmethod
    def _names_a_folder(cls, name: str) -> str:
        if not re.fullmatch(NAME, name):
            raise ValueError(f"{quoted(name)} cannot name a folder, use up to 64 letters, digits, dots, - and _")
        return name

    @field_validator("ramp")
    @classmethod
    def _reaches_the_users(cls, ramp: float | Rate | Stages, info: ValidationInfo) -> float | Rate | Stages:
        if "users" in info.data:
            stages = _stages(info.data["users"], ramp)
            Schedule(info.data["users"], stages)
            if sum(stage.over_s for stage in stages) > LONGEST_S:
                raise ValueError(f"takes longer than {format_duration(LONGEST_S)}, the longest that is accepted")
        return ramp

    @field_validator("softphone")
    @classmethod
    def _has_time_for_its_calls(cls, softphone: Behaviour, info: ValidationInfo) -> Behaviour:
        if info.data.get("dialect") == "genesys-cloud" and softphone.ready == "ignore":
            raise ValueError("ready: ignore: in the dialect genesys-cloud nobody can call before the session is ready")
        last_call_s = (softphone.calls.count - 1) * softphone.calls.every_s
        if last_call_s > info.data.get("hold_s", LONGEST_S):
            raise ValueError(f"the last call starts after {format_duration(last_call_s)}, when the hold is over")
        return softphone

    @field_validator("expect")
    @classmethod
    def _is_about_steps_that_there_are(
        cls, expect: tuple[Expectation, ...], info: ValidationInfo
    ) -> tuple[Expectation, ...]:
        dialect = info.data.get("dialect", DEFAULT_DIALECT)
        if foreign := [each.field for each in expect if each.field in FIELDS.keys() - fields_of(dialect)]:
            raise ValueError(f"{foreign[0]} is about a step that the dialect {dialect} does not have")
        return expect

    @field_validator("edge")
    @classmethod
    def _names_no_secrets(cls, edge: dict[str, Any]) -> dict[str, Any]:
        if secret := next((key for key in _keys(edge) if key in ("client_secret", "access_token")), None):
            raise ValueError(
                f"{secret}: a profile is written into every record; put it into a file of --softphone-policy"
            )
        return edge

    @property
    def duration_s(self) -> float:
        """From the plan's start until the last softphone leaves."""
        return self.schedule().last_start_s + self.hold_s

    def schedule(self) -> Schedule:
        """When each softphone is to start."""
        return _schedule(self.users, _stages(self.users, self.ramp), self.arrivals, self.seed)

    def resolved(self) -> dict[str, Any]:
        """Everything explicit, as plain JSON in human units; read back, it is an equal profile."""
        return self.model_dump(mode="json", by_alias=True)

    def describe(self) -> list[str]:
        """What the run will do, a line each: the plan, its length, the behaviour, the attempts, the expectations."""
        schedule = self.schedule()
        return [
            self.describe_starts(),
            f"{format_duration(round(self.duration_s, 3))} in all: the last softphone starts after "
            f"{format_duration(round(schedule.last_start_s, 3))} and stays {format_duration(self.hold_s)}",
            self.softphone.describe(),
            *([f"speaks {self.dialect}"] if self.dialect != DEFAULT_DIALECT else []),
            *([f"brings its own policy for the simulated edge: {', '.join(self.edge)}"] if self.edge else []),
            self.describe_attempts(),
            f"expects {', '.join(map(str, self.expect)) or 'nothing'}",
            *(f"ends early if {each} can no longer hold" for each in self.expect if each.abort),
        ]

    def describe_starts(self) -> str:
        """How many softphones start, and how many of them at most in one second."""
        softphones = "1 softphone" if self.users == 1 else f"{self.users} softphones"
        return (
            f"{softphones}, {_described(self.ramp)}{', Poisson arrivals' if self.arrivals == 'poisson' else ''}: "
            f"at most {self.schedule().peak_starts_per_s()} starts in a second"
        )

    def describe_attempts(self) -> str:
        """How many requests the edge gets, at least and at most."""
        return f"{self.planned_attempts()} attempts if none is refused, never more than {self.most_attempts()}"

    def most_attempts(self) -> int:
        """Attempts in the worst case: the retry budget's limit.

        Softphones that never try again cannot make so many: a 401 alone is worth a new token and one more attempt.
        """
        within = int(self.planned_attempts() * self.softphone.retry.budget)
        if self.softphone.retry.max_retries:
            return within
        authorized = len(request_steps(self.dialect)) - 1  # all but the token
        return min(within, self.users * self.softphone.calls.count * authorized * 2 * 2)

    def attempts_beyond_plan(self) -> float:
        """How many attempts the whole fleet may make besides the planned ones."""
        return self.planned_attempts() * (self.softphone.retry.budget - 1)

    def planned_attempts(self) -> int:
        """Attempts of a run in which each succeeds: tokens, handshakes and offers, and what else the dialect has."""
        offers = self.users * self.softphone.calls.count
        handshakes = self.users if self.softphone.connection == "reuse" else offers
        tokens = {"shared": 1, "per-softphone": self.users}.get(self.softphone.token, handshakes)
        others = {"identity": self.users, "channel": handshakes}
        return tokens + handshakes + offers + sum(others.get(step, 0) for step in request_steps(self.dialect))


def _keys(value: object) -> Iterator[object]:
    """Every key in a tree of mappings and lists."""
    if isinstance(value, dict):
        yield from value
    if isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _keys(inner)


@lru_cache(maxsize=4)  # a million Poisson arrivals take a second to draw
def _schedule(users: int, stages: tuple[Stage, ...], arrivals: Arrivals, seed: int) -> Schedule:
    return Schedule(users, stages, arrivals, seed)


def _stages(users: int, ramp: float | Rate | Stages) -> tuple[Stage, ...]:
    if isinstance(ramp, Rate):
        return (Stage(users, users / ramp.rate_per_s),)
    if isinstance(ramp, Stages):
        return tuple(Stage(s.to, s.over_s) if isinstance(s, Rise) else Stage(None, s.hold_s) for s in ramp.stages)
    return (Stage(users, ramp),)


def _described(ramp: float | Rate | Stages) -> str:
    if isinstance(ramp, Rate):
        return f"at {format_rate(ramp.rate_per_s)}"
    if isinstance(ramp, Stages):
        return f"in {len(ramp.stages)} stages"
    return f"over {format_duration(ramp)}" if ramp else "all at the same instant"


class ProfileFile(NamedTuple):
    """A profile as a list shows it; the file has not been checked."""

    name: str
    path: Path
    about: str


def profile_folders() -> tuple[Path, ...]:
    """Where a profile's name is looked up: ``scenarios/`` where the command was typed, then the pack."""
    return (Path("scenarios"), pack_folder())


def pack_folder() -> Path:
    """The profiles that come with the package: inside it when installed, at the top of a checkout otherwise."""
    package = Path(__file__).parents[1]
    installed = package / "pack" / "scenarios"
    return installed if installed.is_dir() else package.parents[1] / "scenarios"


def list_profiles(folders: Iterable[Path]) -> list[ProfileFile]:
    """The profiles in ``folders``, by name; of two with one name, the one in the earlier folder."""
    found: dict[str, ProfileFile] = {}
    for path in (path for folder in folders for path in sorted(folder.glob("*.yaml"))):
        found.setdefault(path.stem, ProfileFile(path.stem, path, _about(path)))
    return sorted(found.values())


def load_profile(name_or_path: str | os.PathLike[str], folders: Iterable[Path]) -> Profile:
    """The profile called so in one of the ``folders``, or the one in the file at that path.

    Raises:
        InputError: there is no such profile, or every problem that its file has.
    """
    wanted = os.fspath(name_or_path)
    path = Path(wanted)
    if path.suffix not in (".yaml", ".yml") and path.name == wanted:
        paths = {profile.name: profile.path for profile in list_profiles(folders)}
        if wanted not in paths:
            raise InputError(f"{quoted(wanted)} is no profile, {choices(wanted, paths)}")
        path = paths[wanted]
    text = strict_yaml.read(path)
    profile = strict_yaml.loads(text, Profile, name=os.fspath(path))
    return profile if profile.about else profile.model_copy(update={"about": _first_comment(text)})


def _about(path: Path) -> str:
    """A file's first comment; nothing if it cannot be read, for a list must not end at a bad file."""
    try:
        return _first_comment(strict_yaml.read(path))
    except InputError:
        return ""


def _first_comment(text: str) -> str:
    """The comment at the top of a file as one line, without what it says to editors."""
    block = re.match(r"\s*((#.*\s*)*)", text)
    lines = (line.strip("# \t\r") for line in (block.group() if block else "").split("\n"))
    return one_line(" ".join(line for line in lines if line and not line.startswith("yaml-language-server:")))
