"""Builds the wheel and the sdist, looks into them, and runs the wheel where there is nothing else.

    python benchmarks/packaging.py             contents, and the demo from the wheel in an empty folder
    python benchmarks/packaging.py --resolve   also: for each supported Python, and each of some platforms,
                                               dependencies resolve to wheels, without a compiler

Everything happens in a temporary folder. Prints one line a check; the exit code is 1 where one fails.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).parents[1]
VERSIONS: Final = ("3.10", "3.11", "3.12", "3.13")
PLATFORMS: Final = {
    "Linux on x86-64": ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"),
    "Linux on arm64": ("manylinux_2_28_aarch64", "manylinux_2_17_aarch64", "manylinux2014_aarch64"),
    "musl on x86-64": ("musllinux_1_2_x86_64", "musllinux_1_1_x86_64"),
    "musl on arm64": ("musllinux_1_2_aarch64", "musllinux_1_1_aarch64"),
    "Windows": ("win_amd64",),
    "macOS on arm64": ("macosx_12_0_arm64",),
}
"""Tags of wheels that a platform takes besides pure Python; musl is Alpine's C library."""
IN_WHEEL: Final = (
    "milestones/py.typed",
    "milestones/protocol/plutus.json",
    "milestones/protocol/versions/",
    "milestones/cli/app.py",
    "milestones/schemas/schedule.json",
    "milestones/devnet/control/openapi.json",
    "milestones/look/look.css",
    "milestones/services/report/templates/report.html",
    "milestones/look/templates/base.html",
    "milestones/testing/plugin.py",
    "licenses/LICENSE",
    "entry_points.txt",
)
IN_SDIST: Final = (
    "LICENSE",
    "README.md",
    "CHANGELOG.md",
    "pyproject.toml",
    "contracts/aiken.toml",
    "contracts/compiled/plutus.json",
    "contracts/versions/",
    "contracts/validators/",
    "docs/index.md",
    "offchain/milestones/py.typed",
    "offchain/tests/",
)
FOREIGN: Final = (".skey", "/data/", "__pycache__", ".hypothesis", "/.env")
"""What must not travel: keys, records, caches."""


def main(arguments: list[str]) -> int:
    """Every check; the exit code."""
    with tempfile.TemporaryDirectory() as folder:
        failed = [
            what for what, holds in _checks(Path(folder), arguments) if not _tell(what, holds)
        ]
    return 1 if failed else 0


def _tell(what: str, holds: bool) -> bool:
    print(f"{'ok    ' if holds else 'FAILED'} {what}", flush=True)
    return holds


def _checks(folder: Path, arguments: list[str]) -> Iterator[tuple[str, bool]]:
    wheel, sdist = _build(folder)
    with zipfile.ZipFile(wheel) as archive:
        yield from _contents("wheel", archive.namelist(), IN_WHEEL)
    with tarfile.open(sdist) as archive:
        yield from _contents("sdist", archive.getnames(), IN_SDIST)
    yield "the sdist builds the same wheel", _same_wheel(folder, wheel, sdist)
    yield from _run(folder, wheel)
    if "--resolve" in arguments:
        for platform, tags in PLATFORMS.items():
            for version in VERSIONS:
                what = f"for Python {version}, {platform}, the embedded chain needs wheels only"
                yield what, _resolves(folder, wheel, version, tags)


def _build(folder: Path) -> tuple[Path, Path]:
    builder = _environment(folder / "builder", "hatchling>=1.25")
    _call(builder, "-m", "hatchling", "build", "-d", str(folder / "dist"), cwd=PROJECT)
    (wheel,) = (folder / "dist").glob("*.whl")
    (sdist,) = (folder / "dist").glob("*.tar.gz")
    return wheel, sdist


def _contents(what: str, names: list[str], wanted: tuple[str, ...]) -> Iterator[tuple[str, bool]]:
    for name in wanted:
        yield f"the {what} holds {name}", any(name in each for each in names)
    foreign = [each for each in names if any(word in f"/{each}" for word in FOREIGN)]
    yield f"the {what} holds nothing else's: {foreign[:3]}", not foreign


def _same_wheel(folder: Path, wheel: Path, sdist: Path) -> bool:
    builder = folder / "builder" / "bin" / "python"
    command = ("-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation")
    _call(builder, *command, "-w", str(folder / "again"), str(sdist), cwd=folder)
    (again,) = (folder / "again").glob("*.whl")
    return _digest(again) == _digest(wheel)


def _digest(wheel: Path) -> dict[str, int]:
    with zipfile.ZipFile(wheel) as archive:
        return {entry.filename: entry.CRC for entry in archive.infolist()}


def _run(folder: Path, wheel: Path) -> Iterator[tuple[str, bool]]:
    empty = folder / "empty"
    empty.mkdir()
    bare = _environment(folder / "bare", str(wheel))
    version = _call(bare, "-m", "milestones", "--version", cwd=empty)
    yield f"without the embedded chain it runs: version {version.strip()}", bool(version)
    refused = _call(bare, "-m", "milestones", "--json", "demo", cwd=empty, check=False)
    yield "without the embedded chain the demo says what is missing", "devnet" in refused
    full = _environment(folder / "full", f"{wheel}[devnet]")
    script = full.parent / "milestones"
    told = subprocess.run(
        [str(script), "demo", "--json"],
        cwd=empty,
        env=_clean(),
        capture_output=True,
        text=True,
        check=False,
    )
    yield (
        "the demo runs from the wheel in an empty folder",
        told.returncode == 0 and bool(json.loads(told.stdout)),
    )
    yield "and leaves nothing behind", not any(empty.iterdir())


def _resolves(folder: Path, wheel: Path, version: str, tags: tuple[str, ...]) -> bool:
    """What only Windows needs is not seen from elsewhere: it is one package, in pure Python."""
    command = [str(folder / "builder" / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    command += ["--dry-run", "--ignore-installed", "--only-binary=:all:"]
    command += ["--python-version", version, "--target", str(folder / f"for-{version}-{tags[0]}")]
    command += [word for tag in tags for word in ("--platform", tag)]
    done = subprocess.run([*command, f"{wheel}[devnet]"], env=_clean(), check=False)
    return done.returncode == 0


def _environment(folder: Path, *packages: str) -> Path:
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    install = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    _call(python, *install, *packages, cwd=folder)
    return python


def _call(python: Path, *arguments: str, cwd: Path, check: bool = True) -> str:
    done = subprocess.run(
        [str(python), *arguments],
        cwd=cwd,
        env=_clean(),
        capture_output=True,
        text=True,
        check=False,
    )
    if check and done.returncode != 0:
        sys.exit(f"{' '.join(arguments)}\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def _clean() -> dict[str, str]:
    """The environment without what would let another installation in."""
    ours = ("MILESTONES_", "CARDANO_", "OGMIOS_", "KUPO_", "PYTHON")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
