"""The packages as they are built: an installed one works without a checkout, and each has only the project's files."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from locust_softphone import __version__
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


@pytest.fixture(scope="module")
def installed(built: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh virtual environment with the package from the sdist; its dependencies are those of this environment."""
    folder = tmp_path_factory.mktemp("fresh")
    venv.create(folder, symlinks=True)
    (packages,) = folder.glob("lib/python3*/site-packages")
    shared = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "dependencies.pth").write_text("\n".join(shared))
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "install", "--quiet"]
    options = ["--no-deps", "--no-index", "--no-build-isolation", "--ignore-installed"]
    subprocess.run([*pip, *options, str(built["sdist"])], check=True, capture_output=True)
    return folder


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


def test_the_sdist_makes_the_same_package_as_the_wheel(built: Mapping[str, Path], installed: Path) -> None:
    with zipfile.ZipFile(built["wheel"]) as wheel:
        names = {name for name in wheel.namelist() if name.startswith("locust_softphone/")}
    (packages,) = installed.glob("lib/python3*/site-packages")
    files = [path for path in packages.glob("locust_softphone/**/*") if path.is_file() and path.suffix != ".pyc"]
    assert {str(path.relative_to(packages)) for path in files} == names


def test_the_version_is_in_one_place(built: Mapping[str, Path]) -> None:
    """Package, file names and ``--version`` have the one of ``__version__``."""
    assert re.search(rf"^locust_softphone-{re.escape(__version__)}-py3-none-any\.whl$", built["wheel"].name)
    assert built["sdist"].name == f"locust_softphone-{__version__}.tar.gz"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert "version" in project["dynamic"]
    elsewhere = [
        path.name
        for folder in ("plugin", ".docker", ".github")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".yml", ".md", ".txt") and f'"{__version__}"' in path.read_text()
    ]
    assert elsewhere == ["__init__.py"]


def test_an_installed_package_needs_no_checkout(installed: Path, tmp_path: Path) -> None:
    outer = {name: value for name, value in os.environ.items() if not name.startswith(("LOCUST_", "PYTHON"))}
    environment = {**outer, "HOME": str(tmp_path)}

    def run(*words: str) -> str:
        done = subprocess.run(
            [str(installed / "bin" / words[0]), *words[1:]],
            cwd=tmp_path / "here",
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        records(tmp_path / "here")  # of a run that was not on time the exit code means nothing
        assert done.returncode == 0, done.stderr
        return done.stdout

    (tmp_path / "here").mkdir()
    assert run("python", "-c", "import locust_softphone; print(locust_softphone.__file__)").startswith(str(installed))
    program = "locust-softphone"
    assert run(program, "--version") == f"{program} {__version__}\n"
    run(program, "init")
    assert "softphones, over 10s" in run(program, "describe", "my-profile.yaml")
    assert "burst-500" in run(program, "profiles")
    assert json.loads(run(program, "schema", "policy"))["title"] == "Policy"
    run(program, "run", "smoke", "--policy", "policy.yaml")
    assert [record["verdict"] for record in records(tmp_path / "here")] == ["passed"]
    assert "smoke" in run(program, "report")
