"""The sample project of a host: tested from the built wheel alone, by the kit of the library.

Faults planted in its policy, its notifier and its integration are found by its own tests.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "examples" / "our_property"

FAULTS = {
    "more purchases lower a layer": ("policy.py", '"threshold = 545_455"', '"threshold = 900_000"'),
    "another threshold": ("policy.py", "threshold = 600_000", "threshold = 700_000"),
    "the body is lost": ("letters.py", "\\n\\n{outgoing.body}\\n", "\\n"),
    "the id is lost": ("letters.py", "{outgoing.id}\\n", "letter\\n"),
    "the receipt names somebody": ("letters.py", 'f"letter {number}"', "outgoing.subject"),
    "a folder that is gone is for ever": ("letters.py", "transient=True", "transient=False"),
    "fen are cut off": ("billing.py", "int(bill.yuan * 100)", "int(bill.yuan) * 100"),
    "a bill is told twice": ("billing.py", ', id=f"bill-{bill.number}"', ""),
    "it is due at once": ("billing.py", "timedelta(days=30)", "timedelta(days=0)"),
}
"""Name, and what is changed in which file of it."""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A fresh environment with the built wheel, and a copy of the sample project in it."""
    folder = tmp_path_factory.mktemp("host")
    wheels, home = folder / "wheels", folder / "our_property"
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    _run([*pip, "wheel", "--no-deps", "--wheel-dir", str(wheels), str(ROOT)])
    _run([sys.executable, "-m", "venv", str(folder / "venv")])
    python = folder / "venv" / "bin" / "python"
    [wheel] = wheels.glob("crm_core-*.whl")
    shutil.copytree(SAMPLE, home, ignore=shutil.ignore_patterns("__pycache__"))
    _run([str(python), "-m", "pip", "install", "--quiet", f"{wheel}[testing]"])
    return python, home


def _run(command: list[str]) -> None:
    done = subprocess.run(command, check=False, capture_output=True, timeout=600)
    assert done.returncode == 0, done.stderr.decode()[-2000:]


def _tested(python: Path, home: Path, *more: str) -> tuple[int, str]:
    command = [str(python), "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
    # The same examples each time.
    command += ["--hypothesis-seed=2", *more]
    done = subprocess.run(
        command, cwd=home, check=False, capture_output=True, timeout=600, env={"PYTHONPATH": "."}
    )
    return done.returncode, done.stdout.decode() + done.stderr.decode()


def test_the_sample_project_is_tested_by_the_kit_from_the_wheel_alone(
    host: tuple[Path, Path],
) -> None:
    python, home = host
    status, told = _tested(python, home)
    assert status == 0, told
    assert " passed" in told
    _, told = _tested(python, home, "--markers")
    assert "@pytest.mark.rule(*ids)" in told
    _, told = _tested(python, home, "--fixtures")
    assert "A new CRM over a log in memory" in told


@pytest.mark.parametrize("fault", FAULTS)
def test_the_kit_finds_a_fault_of_a_host(host: tuple[Path, Path], fault: str) -> None:
    python, home = host
    name, before, after = FAULTS[fault]
    path = home / "our_property" / name
    text = path.read_text(encoding="utf-8")
    assert before in text
    try:
        path.write_text(text.replace(before, after), encoding="utf-8")
        status, told = _tested(python, home)
        assert status == 1, told
    finally:
        path.write_text(text, encoding="utf-8")


def test_without_hypothesis_the_kit_says_what_to_install() -> None:
    program = (
        "import sys; sys.modules['hypothesis'] = None\n"
        "import crm_core.testing as kit\n"
        "try: kit.histories\n"
        "except ModuleNotFoundError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, timeout=60
    )
    expected = "`crm_core.testing.histories` needs `hypothesis`: pip install 'crm-core[testing]'"
    assert done.stdout.decode().strip() == expected
