"""What a user gets: the wheel, built from the sdist, installed where there is no checkout.

The sdist is unpacked and the wheel is built there, so what the sdist forgets the wheel lacks too.
Dependencies come from the environment that runs the tests: nothing is downloaded.
"""

from __future__ import annotations

import email
import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("packaging")]


def run(*words: object, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    done = subprocess.run(
        [*map(str, words)],
        cwd=cwd,
        env={**inherited, **env},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
    return done


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("sdist")
    run(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", out, cwd=ROOT)
    (built,) = out.glob("*.tar.gz")
    return built


@pytest.fixture(scope="module")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    with tarfile.open(sdist) as archive:
        # Python 3.11.2, Debian 12's, knows no filter.
        safe: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        archive.extractall(out, **safe)
    (source,) = out.iterdir()
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", out, cwd=source)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a fresh environment with the wheel in it."""
    place = tmp_path_factory.mktemp("fresh") / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", place, cwd=place.parent)
    python = place / "bin" / "python"
    packages = run(
        python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=place
    )
    # A .pth adds a directory but reads no .pth in it: an editable costtui there stays unseen.
    pth = Path(packages.stdout.strip()) / "dependencies.pth"
    pth.write_text(sysconfig.get_path("purelib") + "\n")
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
    run(*pip, "--python", python, "install", "--no-deps", "--no-index", wheel, cwd=place)
    return python


def packaged(folder: str, suffix: str) -> set[str]:
    """Data files of the checkout, as the wheel should name them."""
    found = {
        str(path.relative_to(ROOT))
        for path in (ROOT / folder).rglob(f"*{suffix}")
        if path.is_file()
    }
    assert found, f"no *{suffix} in {folder}: this test looks in the wrong place"
    return found


def test_the_wheel_has_the_data_files(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    wanted = packaged("costtui", ".py")
    wanted |= packaged("costtui/sources", ".yml") | packaged("costtui/store/migrations", ".sql")
    wanted |= packaged("costtui/tui", ".tcss")
    wanted |= {f for kind in ("html", "css", "js") for f in packaged("costtui/web", f".{kind}")}
    wanted |= {f"costtui/{theme}" for theme in packaged("themes", ".yml")}
    wanted |= {"costtui/py.typed", "costtui/sample-config.yml"}
    assert wanted - names == set()
    loose = {name.split("/")[0] for name in names}
    assert len(loose) == 2, f"only costtui and its metadata: {loose}"
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_metadata_is_what_the_project_says(wheel: Path) -> None:
    import tomllib

    with zipfile.ZipFile(wheel) as archive:
        (name,) = [n for n in archive.namelist() if n.endswith("/METADATA")]
        metadata = email.message_from_bytes(archive.read(name))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert metadata["Version"] == project["version"]
    assert metadata["License-Expression"] == "MIT"
    runtime = [d for d in metadata.get_all("Requires-Dist", []) if "extra ==" not in d]
    assert len(runtime) == len(project["dependencies"])


def test_the_sdist_can_be_tested(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = {"Makefile", "README.md", "CHANGELOG.md", "LICENSE", "sample-config.yml"}
    wanted |= {"tests/conftest.py", "docs/architecture.md", "themes/costtui-dark.yml"}
    assert wanted - names == set()
    assert not [name for name in names if "__pycache__" in name or name.startswith(".venv")]


def test_it_works_where_there_is_no_checkout(python: Path, tmp_path: Path) -> None:
    costtui = python.with_name("costtui")
    where = run(python, "-c", "import costtui; print(costtui.__file__)", cwd=tmp_path).stdout
    assert Path(where.strip()).is_relative_to(python.parent.parent)

    said = run(costtui, "--version", cwd=tmp_path).stdout.split()
    assert said[0] == "costtui"
    presets = run(costtui, "presets", "list", cwd=tmp_path).stdout
    folders = ("costtui/sources/presets", "costtui/sources/jsonl/presets")
    known = {Path(p).stem for folder in folders for p in packaged(folder, ".yml")}
    assert {line.split()[0] for line in presets.splitlines()} == known
    schema = json.loads(run(costtui, "config", "schema", cwd=tmp_path).stdout)
    assert schema["$schema"].endswith("2020-12/schema")


def test_themes_sample_and_migrations_are_found_there(python: Path, tmp_path: Path) -> None:
    costtui = python.with_name("costtui")
    names = run(
        python,
        "-c",
        "from costtui.tui.themes import load_all; loaded = load_all(None);"
        "print(*loaded.failures, *sorted(loaded.themes))",
        cwd=tmp_path,
    ).stdout.split()
    assert names == sorted(Path(p).stem for p in packaged("themes", ".yml"))

    sample = python.parent.parent.glob("lib/*/site-packages/costtui/sample-config.yml")
    assert "source" in run(costtui, "config", "check", "--config", *sample, cwd=tmp_path).stdout

    log = tmp_path / "log.jsonl"
    line = {"timestamp": "2026-01-01T00:00:00Z", "provider": "openai", "model": "gpt-4o",
            "input_tokens": 1000, "output_tokens": 100, "total_cost": 0.25}  # fmt: skip
    log.write_text(json.dumps(line) + "\n")
    home = {"COST_TRACKING_FILE": str(log), "HOME": str(tmp_path)}
    run(costtui, "collect", "--once", cwd=tmp_path, **home)
    report = run(costtui, "report", "--since", "2026-01-01", "--until", "2026-01-02",
                 "--format", "json", cwd=tmp_path, **home)  # fmt: skip
    assert json.loads(report.stdout)["total"]["cost_nano"] == 250_000_000
    # The screen, without a terminal: its style sheets and its theme come from the wheel.
    screen = run(costtui, "--once", "--window", "30d", cwd=tmp_path, **home).stdout
    assert "30d" in screen
