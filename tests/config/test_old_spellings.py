"""Old spellings of keys and values are read as the new ones, with one warning for each file."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest
from pydantic import Field

from locust_softphone.config.old_spellings import OldSpellings, modernized
from locust_softphone.config.strict_yaml import StrictModel, load, loads
from locust_softphone.errors import InputError


class Advice(StrictModel):
    old_spellings: ClassVar = OldSpellings(keys={"says": "advice"}, values={"advice": {"turn": "own-slot"}})
    advice: Literal["own-slot", "next-token"] = "next-token"


class Customer(StrictModel):
    old_spellings: ClassVar = OldSpellings(keys={"called": "name"})
    name: str


class Policy(StrictModel):
    old_spellings: ClassVar = OldSpellings(keys={"patience": "max_early_retries", "who": "customers"})
    max_early_retries: int = Field(0, ge=0)
    retry_after: Advice | None = None
    customers: tuple[Customer, ...] = Field((), strict=False)
    by_step: dict[str, Advice] = Field(default_factory=dict)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("patience: 3", "max_early_retries: 3"),
        ("retry_after: {says: turn}", "retry_after: {advice: own-slot}"),
        ("retry_after: {advice: turn}", "retry_after: {advice: own-slot}"),  # the new key with the old value
        ("retry_after: {says: next-token}", "retry_after: {advice: next-token}"),  # the old key with the new value
        ("who: [{called: a}, {name: b}]", "customers: [{name: a}, {name: b}]"),
        ("by_step: {says: {says: turn}}", "by_step: {says: {advice: own-slot}}"),  # the outer one is a step's name
    ],
)
def test_the_old_spelling_means_the_same_as_the_new(old: str, new: str) -> None:
    assert loads(old, Policy) == loads(new, Policy)


def test_one_warning_for_a_file_names_every_line_however_often_it_is_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text("# mine\npatience: 3\nretry_after:\n  says: turn\n")
    for _ in range(2):
        load(file, Policy)
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
        (
            logging.WARNING,
            f"{file}:2: patience is now max_early_retries; line 4: says: turn is now advice: own-slot "
            "(the old spelling is still read)",
        )
    ]


def test_the_new_spelling_is_read_without_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    loads("{max_early_retries: 3, retry_after: {advice: own-slot}}", Policy)
    assert not caplog.records


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("\npatience: -1", "policy.yaml:2: max_early_retries: must be at least 0"),
        ("who:\n- called: 5", "policy.yaml:2: customers[0].name: must be text, not 5, put it in quotes"),
        (
            "patience: 1\nmax_early_retries: 2",
            "policy.yaml:1: patience: is the old spelling of max_early_retries",
        ),
        ("patiense: 1", "policy.yaml:1: patiense: unknown key, there are by_step, customers, max_early_retries, "),
    ],
)
def test_a_problem_is_reported_on_its_line_in_the_new_spelling(text: str, problem: str) -> None:
    with pytest.raises(InputError) as refused:
        loads(text, Policy, name="policy.yaml")
    assert str(refused.value).startswith(problem)


def test_plain_data_is_modernized_as_a_copy() -> None:
    old: dict[str, Any] = {"patience": 3, "who": [{"called": "a"}]}
    assert modernized(old, Policy).data == {"max_early_retries": 3, "customers": [{"name": "a"}]}
    assert old == {"patience": 3, "who": [{"called": "a"}]}
