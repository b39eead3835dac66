"""Strict YAML: a valid file becomes a model, every problem of another one is reported with its line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Discriminator, Field, SecretStr, Strict, Tag, field_validator

from locust_softphone.config.strict_yaml import StrictModel, load, loads
from locust_softphone.config.units import Seconds
from locust_softphone.errors import InputError


class Retry(StrictModel):
    initial_s: Seconds = Field(1.0, alias="initial")
    jitter: Literal["none", "full", "equal"] = "none"
    visible: bool = False


class Stage(StrictModel):
    to: int


class Hold(StrictModel):
    hold_s: Seconds = Field(alias="hold")


class Burst(StrictModel):
    name: str
    users: int = Field(1, ge=1, le=1000)
    factor: float = Field(1.0, gt=0)
    ramp_s: Seconds = Field(0.0, alias="ramp")
    retry: Retry = Retry()
    stages: Annotated[
        tuple[
            Annotated[
                Annotated[Stage, Tag("a stage")] | Annotated[Hold, Tag("a hold")],
                Discriminator(lambda value: "a hold" if isinstance(value, dict) and "to" not in value else "a stage"),
            ],
            ...,
        ],
        Strict(False),
    ] = ()
    named: dict[str, Retry] = Field(default_factory=dict)

    @field_validator("name")
    @classmethod
    def no_spaces(cls, name: str) -> str:
        if " " in name:
            raise ValueError("no spaces, please")
        return name


def problems(text: str) -> list[str]:
    with pytest.raises(InputError) as refused:
        loads(text, Burst, name="burst.yaml")
    return list(refused.value.problems)


def test_a_valid_file_becomes_a_frozen_model() -> None:
    burst = loads("# why\nname: burst\nramp: 60s\nretry: {jitter: full}\nstages: [{to: 5}, {hold: 3s}]", Burst)
    assert (burst.name, burst.users, burst.ramp_s, burst.retry.jitter) == ("burst", 1, 60.0, "full")
    assert burst.stages == (Stage(to=5), Hold.model_validate({"hold": "3s"}))
    with pytest.raises(ValueError, match="frozen"):
        burst.users = 1  # type: ignore[misc]


def test_all_problems_are_reported_in_the_order_of_their_lines() -> None:
    text = """\
name: two words
users: 0
ramp: 60
retry:
  initial: 1:30
  jiter: full
stages:
- to: 5
- {to: 5.5}
polite: yes
"""
    assert problems(text) == [
        "burst.yaml:1: name: no spaces, please",
        "burst.yaml:2: users: must be at least 1",
        "burst.yaml:3: ramp: 60 is not a duration, write 60s",
        'burst.yaml:5: retry.initial: "1:30" is not a duration, write 250ms, 60s, 2m or 1m30s',
        "burst.yaml:6: retry.jiter: unknown key, did you mean jitter?",
        "burst.yaml:9: stages[1].to: must be a whole number, not 5.5",
        "burst.yaml:10: polite: unknown key, there are factor, name, named, ramp, retry, stages, users",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("users: 1", "1: name: is missing"),
        ("name: n\nusers: '5'", '2: users: must be a whole number, not "5"'),  # quoted: text
        ("name: n\nusers: true", "2: users: must be a whole number, not true"),  # 1 to Python
        ("name: n\nusers: 010", '2: users: must be a whole number, not "010"'),  # 8 in YAML 1.1
        ("name: n\nusers: 1001", "2: users: must be at most 1000"),
        ("name: n\nusers: " + "9" * 5000, f'2: users: must be a whole number, not "{"9" * 58}…'),
        ("name: n\nfactor: 0", "2: factor: must be above 0"),
        ("name: n\nfactor: .nan", '2: factor: must be a number, not ".nan"'),
        ("name: n\nfactor: 1e999", '2: factor: must be a number, not "1e999"'),
        ("name: no\nretry: {visible: no}", '2: retry.visible: must be true or false, not "no"'),  # and name is "no"
        (
            "name: 2024-01-01\nretry: {jitter: ful}",
            '2: retry.jitter: "ful" is not one of the choices, did you mean full?',
        ),
        ("name: n\nretry: {jitter: 5}", "2: retry.jitter: 5 is not one of the choices, there are equal, full, none"),
        ("name: n\nretry:", "2: retry: must be a mapping (key: value), not null"),
        ("name: n\nretry: [1]", "2: retry: must be a mapping (key: value), not a list"),
        ("name: n\nstages: 5", "2: stages: must be a list, not 5"),
        ("name: n\nstages: [{to: 5, too: 6}]", "2: stages[0].too: unknown key, did you mean to?"),
        ("name: n\nramp_s: 5s", "2: ramp_s: unknown key, did you mean ramp?"),  # the name in Python is not a key
        ("name: n\nnamed: {any name: {jiter: x}}", '2: named."any name".jiter: unknown key, did you mean jitter?'),
        ("name: n\nname: m", "2: name: repeats the key of line 1"),
        ("name: n\n1: 2", "2: 1: a key must be text, put it in quotes"),
        ("name: n\n? [a]\n: b", "2: None: a key must be text, put it in quotes"),
        ("name: n\n<<: {users: 5}", '2: "<<": unknown key'),
        ('name: n\n"a\\nb": 1', '2: "a\\nb": unknown key'),
        ("", "1: is empty"),
        ("# nothing but a comment", "1: is empty"),
        ("- a\n- b", "1: must be a mapping (key: value), not a list"),
        ("burst", '1: must be a mapping (key: value), not "burst"'),
        ("name: n\nretry: {", "2: not accepted as YAML: a bracket is not closed"),
        ("name: n\n\tusers: 1", "2: not accepted as YAML: a tab; indent with spaces"),
        ("name: n\nretry:\n\tjitter: full", "3: not accepted as YAML: a tab; indent with spaces"),
        ("name: n\nstages:\n- to: 5\n\t- to: 6", "4: not accepted as YAML: a tab; indent with spaces"),
        ("name n\nusers: 5", "2: not accepted as YAML: a colon is missing in the line above, or this line is indented"),
        ("name: n\nusers 5\nramp: 1s", "2: not accepted as YAML: a key without a colon"),
        ("name: n\nretry:\n  jitter: full\n visible: true", "4: not accepted as YAML: indented differently from"),
        ("name: n\nretry: {jitter: full\nusers: 5", "3: not accepted as YAML: a bracket is not closed, or a comma is"),
        ('name: "n\nusers: 5', "2: not accepted as YAML: a quote is not closed"),
        ("name: n\nstages: hold", '2: stages: must be a list, write ["hold"]'),
        ("nme: n", "1: nme: unknown key, did you mean name?"),  # and not also: name is missing
        ("name: n\nstages: [{holt: 5s}]", "2: stages[0].holt: unknown key, did you mean hold?"),
        ("name: n\n---\nname: m", "2: not accepted as YAML: but found another document"),
        ("name: &n burst", "1: not accepted as YAML: anchors and aliases (& and *) are not accepted"),
        ("name: *n", "1: not accepted as YAML: anchors and aliases (& and *) are not accepted"),
        ("name: !!python/name:os.system x", "1: not accepted as YAML: tags (!) are not accepted"),
        ("name: n\nx: " + "[" * 5000, "2: not accepted as YAML: nested more than 16 deep"),
        ("name: n\nx: \x07", "2: not accepted as YAML: the character '\\x07' is not allowed in YAML"),
        ('name: "\\Uffffffff"', "1: not accepted as YAML: an escape or a directive is out of range"),
    ],
)
def test_a_problem_is_reported_with_its_line_and_path(text: str, problem: str) -> None:
    assert [line[: len("burst.yaml:") + len(problem)] for line in problems(text)] == [f"burst.yaml:{problem}"]


def test_booleans_and_dates_of_yaml_1_1_are_text() -> None:
    for word in ("no", "yes", "on", "off", "y", "2024-01-01", "1:30", "0x10", "1_000"):
        assert loads(f"name: {word}", Burst).name == word


def test_an_error_in_a_union_is_about_the_member_that_was_meant() -> None:
    assert problems("name: n\nstages: [{hold: 5}, {to: five}, {to: 5, hold: 5s}]") == [
        "burst.yaml:2: stages[0].hold: 5 is not a duration, write 5s",
        'burst.yaml:2: stages[1].to: must be a whole number, not "five"',
        "burst.yaml:2: stages[2].hold: does not belong here",
    ]


def test_a_message_does_not_show_a_secret() -> None:
    class Client(StrictModel):
        client_secret: SecretStr

    with pytest.raises(InputError) as refused:
        loads("client_secret: 12345", Client)
    assert str(refused.value) == "<text>:1: client_secret: must be text, not this"


def test_a_file_that_cannot_be_read_is_reported(tmp_path: Path) -> None:
    def problem(path: Path) -> str:
        with pytest.raises(InputError) as refused:
            load(path, Burst)
        return str(refused.value)

    large, latin, good = tmp_path / "large.yaml", tmp_path / "latin.yaml", tmp_path / "good.yaml"
    large.write_bytes(b"#" * (256 * 1024 + 1))
    latin.write_bytes("name: n\nusers: 5 # für\n".encode("latin-1"))
    good.write_bytes(b"\xef\xbb\xbfname: n")  # a BOM, as some editors write
    assert problem(tmp_path / "none.yaml") == f"{tmp_path}/none.yaml: no such file or directory"
    assert problem(tmp_path) == f"{tmp_path}: is a directory"
    assert problem(Path("a\0b")) == "a\\x00b: embedded null byte"
    assert problem(large) == f"{large}: larger than 256 KB"
    assert problem(latin) == f"{latin}:2: not UTF-8 text"
    assert load(good, Burst).name == "n"


YAMLISH = st.text(
    st.one_of(st.sampled_from("abjnrsu:-[]{}&*!?|>'\"%@`,#~\\ \n\t0159.\r\u0085\u2028\ufeff"), st.characters())
)
WORDS = [
    "name",
    "users",
    "ramp",
    "retry",
    "stages",
    "to",
    "hold",
    "5",
    "60s",
    "full",
    "null",
    "1e9",
    "&a",
    "*a",
    "<<",
    "%YAML",
    "\\U0011ffff",
]
FRAGMENTS = st.lists(st.sampled_from([*WORDS, *"{}[]\n\"'|", ": ", "- ", "  ", ", ", "? ", "!!int "])).map("".join)


@settings(max_examples=500)
@given(st.one_of(YAMLISH, FRAGMENTS))
def test_any_text_gives_a_model_or_problems_of_one_line_each(text: str) -> None:
    try:
        loads(text, Burst, name="fuzz.yaml")
    except InputError as e:
        for problem in e.problems:
            assert problem.startswith("fuzz.yaml:")
            assert len(problem.splitlines()) == 1
            assert "pydantic" not in problem
            problem.encode()
