"""The XML of a plan: what is read, and what is refused before it can do harm."""

from __future__ import annotations

import pytest

from locust_softphone.errors import InputError
from locust_softphone.jmeter.plan_tree import read_plan
from tests.jmeter.plans import collection, element, plan

LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


def test_elements_and_their_properties() -> None:
    root = read_plan(
        plan(
            "<!-- by hand -->",
            element(
                "kg.apc.jmeter.threads.UltimateThreadGroup",
                "two\n lines",
                '<intProp name="a">1</intProp><doubleProp><name>b</name><value>2.5</value></doubleProp>'
                + collection("rows", [[1, 2], [1, 2]]),
                element("ConstantTimer", "t") + element("Sampler", "off", enabled=False),
            ),
        ),
        "p.jmx",
    )
    (test_plan,) = root.children
    (group,) = test_plan.children
    assert str(group) == 'UltimateThreadGroup "two lines"'
    assert (group.text("a"), group.text("b"), group.text("c")) == ("1", "2.5", "")
    assert group.rows("rows") == [["1", "2"], ["1", "2"]]
    assert [str(child) for child in group.children] == ['ConstantTimer "t"']
    assert [str(child) for child in group.disabled] == ['Sampler "off"']


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "p.jmx: it is not well-formed XML"),
        ("<jmeterTestPlan>", "p.jmx: it is not well-formed XML"),
        ("<testplan/>", "p.jmx: not a JMeter plan"),
        (f'<!DOCTYPE l [<!ENTITY l0 "ha">{LAUGHS}]><jmeterTestPlan>&l9;</jmeterTestPlan>', "p.jmx: it has a DTD"),
        ('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><jmeterTestPlan>&x;</jmeterTestPlan>', "it has a DTD"),
        ("<jmeterTestPlan>" + "<hashTree>" * 300, "p.jmx: it is larger than"),
    ],
)
def test_what_is_not_a_plan_is_one_line(text: str, problem: str) -> None:
    with pytest.raises(InputError, match=problem) as caught:
        read_plan(text, "p.jmx")
    assert len(caught.value.problems) == 1


def test_a_plan_without_anything() -> None:
    assert read_plan("<jmeterTestPlan/>", "p.jmx").children == ()
