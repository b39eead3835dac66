"""JMeter plans for tests, made of parts."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["collection", "element", "plan", "sampler", "thread_group", "throughput_timer"]


def element(tag: str, name: str, properties: str = "", below: str = "", *, enabled: bool = True) -> str:
    """An element and its hashTree."""
    attributes = f'guiclass="{tag}Gui" testclass="{tag}" testname="{name}" enabled="{str(enabled).lower()}"'
    return f"<{tag} {attributes}>{properties}</{tag}><hashTree>{below}</hashTree>"


def collection(name: str, rows: list[list[object]]) -> str:
    """A table; the names of its rows and cells mean nothing."""
    cells = ["".join(f'<stringProp name="49">{cell}</stringProp>' for cell in row) for row in rows]
    inside = "".join(f'<collectionProp name="-1">{row}</collectionProp>' for row in cells)
    return f'<collectionProp name="{name}">{inside}</collectionProp>'


def strings(properties: Mapping[str, object]) -> str:
    return "".join(f'<stringProp name="{name}">{value}</stringProp>' for name, value in properties.items())


def thread_group(
    name: str,
    below: str,
    *,
    threads: object = 500,
    ramp: object = 0,
    loops: object = 1,
    more: str = "",
    kind: str = "ThreadGroup",
) -> str:
    """JMeter's own thread group; ``more`` are further properties."""
    controller = (
        '<elementProp name="ThreadGroup.main_controller" elementType="LoopController">'
        '<boolProp name="LoopController.continue_forever">false</boolProp>'
        f'<stringProp name="LoopController.loops">{loops}</stringProp></elementProp>'
    )
    settings = strings(
        {
            "ThreadGroup.on_sample_error": "continue",
            "ThreadGroup.num_threads": threads,
            "ThreadGroup.ramp_time": ramp,
        }
    )
    return element(kind, name, controller + settings + more, below)


def throughput_timer(per_min: float, mode: int) -> str:
    """A Constant Throughput Timer, its throughput written as JMeter does."""
    return element(
        "ConstantThroughputTimer",
        "timer",
        f"<doubleProp><name>throughput</name><value>{per_min}</value><savedValue>0.0</savedValue></doubleProp>"
        f'<intProp name="calcMode">{mode}</intProp>',
    )


def sampler(name: str, path: str = "/oauth/token", port: int = 1) -> str:
    """An HTTP request on this machine."""
    return element(
        "HTTPSamplerProxy",
        name,
        '<elementProp name="HTTPsampler.Arguments" elementType="Arguments">'
        '<collectionProp name="Arguments.arguments"/></elementProp>'
        + strings(
            {
                "HTTPSampler.domain": "127.0.0.1",
                "HTTPSampler.port": port,
                "HTTPSampler.path": path,
                "HTTPSampler.method": "GET",
            }
        ),
    )


def plan(*parts: str, variables: Mapping[str, str] | None = None, serialize: bool = False) -> str:
    """A whole .jmx file."""
    defined = "".join(
        f'<elementProp name="{name}" elementType="Argument"><stringProp name="Argument.name">{name}</stringProp>'
        f'<stringProp name="Argument.value">{value}</stringProp></elementProp>'
        for name, value in (variables or {}).items()
    )
    settings = (
        f'<boolProp name="TestPlan.serialize_threadgroups">{str(serialize).lower()}</boolProp>'
        '<elementProp name="TestPlan.user_defined_variables" elementType="Arguments">'
        f'<collectionProp name="Arguments.arguments">{defined}</collectionProp></elementProp>'
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<jmeterTestPlan version="1.2" properties="2.8" jmeter="2.13">'
        f"<hashTree>{element('TestPlan', 'plan', settings, ''.join(parts))}</hashTree></jmeterTestPlan>"
    )
