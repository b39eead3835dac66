"""The packages as they are built: an installed one works without a checkout, and each has only the project's files."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.swarm.locust_process import PATIENCE_S, records

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """The wheel and the sdist."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", str(folder)], cwd=ROOT, check=True, capture_output=True
    )
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return {"wheel": wheel, "sdist": sdist}


@pytest.fixture
def command(built: Mapping[str, Path], tmp_path: Path) -> list[str]:
    """``locust-softphone``, installed from the wheel, in a shell whose folder is not a checkout."""
    installed = tmp_path / "site-packages"
    with zipfile.ZipFile(built["wheel"]) as wheel:
        wheel.extractall(installed)
    outer = {name: value for name, value in os.environ.items() if not name.startswith("LOCUST_")}
    environment = {**outer, "PYTHONPATH": str(installed), "HOME": str(tmp_path)}
    return ["env", "-i", *(f"{name}={value}" for name, value in environment.items()), sys.executable]


def test_an_index_page_can_show_the_packages(built: Mapping[str, Path]) -> None:
    files = list(map(str, built.values()))
    checked = subprocess.run(
        [sys.executable, "-m", "twine", "check", "--strict", *files], capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stdout
    with zipfile.ZipFile(built["wheel"]) as wheel:
        (metadata,) = [wheel.read(name).decode() for name in wheel.namelist() if name.endswith("dist-info/METADATA")]
    targets = re.findall(r"\]\(([^)]*)\)", metadata)
    assert [target for target in targets if not target.startswith(("https://", "#"))] == []
    images = re.findall(r"!\[[^\]]*\]\(([^)]*)\)", metadata)
    assert images
    for image in images:
        assert image.startswith("https://raw.githubusercontent.com/")
        assert (ROOT / "docs" / image.rpartition("/")[2]).is_file()


def test_plotlys_script_has_its_licence_beside_it(built: Mapping[str, Path]) -> None:
    with zipfile.ZipFile(built["wheel"]) as wheel:
        folder = "locust_softphone/report/plotly"
        assert b"Licensed under the MIT license" in wheel.read(f"{folder}/plotly-basic.min.js")[:500]
        assert b"Permission is hereby granted, free of charge" in wheel.read(f"{folder}/LICENSE")


def test_an_sdist_has_the_projects_files_and_no_others(built: Mapping[str, Path]) -> None:
    """Also those that Git does not know: a file in a working directory that is not ignored is not the project's."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("this is not a Git checkout")
    with tarfile.open(built["sdist"]) as sdist:
        members = {member.name.partition("/")[2] for member in sdist.getmembers() if member.isfile()}
    assert members - {"PKG-INFO"} <= set(listed.stdout.splitlines())
    assert {"LICENSE", "README.md", "pyproject.toml", "plugin/locust_softphone/py.typed"} <= members


def test_an_installed_package_needs_no_checkout(command: list[str], tmp_path: Path) -> None:
    def run(*words: str) -> str:
        done = subprocess.run(
            [*command, *words], cwd=tmp_path / "here", capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
        records(tmp_path / "here")  # of a run that was not on time the exit code means nothing
        assert done.returncode == 0, done.stderr
        return done.stdout

    (tmp_path / "here").mkdir()
    where = run("-c", "import locust_softphone; print(locust_softphone.__file__)")
    assert where.startswith(str(tmp_path / "site-packages"))
    program = ("-m", "locust_softphone")
    run(*program, "init")
    assert "softphones, over 10s" in run(*program, "describe", "my-profile.yaml")
    assert "burst-500" in run(*program, "profiles")
    assert json.loads(run(*program, "schema", "policy"))["title"] == "Policy"
    run(*program, "run", "smoke", "--policy", "policy.yaml")
    assert [record["verdict"] for record in records(tmp_path / "here")] == ["passed"]
    assert "smoke" in run(*program, "report")
