"""Builds wheel and sdist twice, from two copies of the source that differ in all but the source.

    python tests/packaging/building.py FOLDER

The copies lie elsewhere, have other times and other rights, and come in another order.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
PARTS = ("src", "docs", "examples", "changelog.d", "locks", "tests", "benchmarks")
FILES = ("LICENSE", "noxfile.py", "pyproject.toml")
BUILD = "import hatchling.build as b, sys; b.build_wheel(sys.argv[1]); b.build_sdist(sys.argv[1])"


def copy_of(folder: Path, age: int, rights: int) -> Path:
    """A copy of the source, with times and rights of its own."""
    folder.mkdir(parents=True)
    for name in sorted(PARTS, reverse=bool(age)):
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    for path in [
        *ROOT.glob("*.md"),
        ROOT / "LICENSE",
        ROOT / "pyproject.toml",
        ROOT / "noxfile.py",
    ]:
        shutil.copy(path, folder)
    for path in folder.rglob("*"):
        if path.is_file():
            path.chmod(rights)
            os.utime(path, (age, age))
    return folder


def built(folder: Path, out: Path, epoch: str | None) -> dict[str, str]:
    """The digests of what is built there, by name."""
    out.mkdir(parents=True, exist_ok=True)
    environment = {"PATH": os.defpath, "TZ": "Asia/Shanghai"}
    if epoch is not None:
        environment["SOURCE_DATE_EPOCH"] = epoch
    subprocess.run(
        [sys.executable, "-c", BUILD, str(out)],
        cwd=folder, check=True, env=environment, capture_output=True, timeout=300,
    )  # fmt: skip
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in out.iterdir()}


def main(out: Path, epoch: str | None = None) -> dict[str, str]:
    """Build twice and compare; what was built lies in `out`.

    Raises:
        AssertionError: they differ.
    """
    out = out.resolve()
    shutil.rmtree(out, ignore_errors=True)
    with tempfile.TemporaryDirectory() as name:
        one = copy_of(Path(name) / "one", 1_500_000_000, 0o644)
        other = copy_of(Path(name) / "a" / "longer" / "way", 1_700_000_001, 0o600)
        first = built(one, out, epoch)
        again = built(other, Path(name) / "again", epoch)
    assert len(first) == 2
    assert first == again
    return first


if __name__ == "__main__":
    for built_name, digest in sorted(main(Path(sys.argv[1])).items()):
        print(f"sha256:{digest}  {built_name}")
