"""Rows that something in the database swallows or adds as they are written: refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from crm_adapters.eventlog.log import CodecEventLog
from crm_core.errors import NotALog
from crm_core.kernel.recorded import Commit, Tip
from eventlog.stored_tables import run
from faults.logs import note, open_log

pytestmark = [pytest.mark.rule("LOG-01", "LOG-04")]

SQLITE = {
    "an event is swallowed": "CREATE TRIGGER t BEFORE INSERT ON crm_events"
    " WHEN NEW.stream = 'a/2' BEGIN SELECT RAISE(IGNORE); END",
    "a command is swallowed": "CREATE TRIGGER t BEFORE INSERT ON crm_commands"
    " BEGIN SELECT RAISE(IGNORE); END",
    "another event is written, too": "CREATE TRIGGER t AFTER INSERT ON crm_events"
    " WHEN NEW.stream = 'a/2' BEGIN INSERT INTO crm_events VALUES"
    " (NEW.tenant, NEW.position + 100, 'b/1', 1, NEW.name, '', NEW.state); END",
    "another event is written instead": "CREATE TRIGGER t BEFORE INSERT ON crm_events"
    " WHEN NEW.stream = 'a/2' BEGIN INSERT INTO crm_events VALUES"
    " (NEW.tenant, NEW.position + 100, 'b/1', 1, NEW.name, '', NEW.state);"
    " SELECT RAISE(IGNORE); END",
    "an event is changed": "CREATE TRIGGER t AFTER INSERT ON crm_events"
    " WHEN NEW.stream = 'a/2' BEGIN UPDATE crm_events SET household = 'V9'"
    " WHERE position = NEW.position; END",
    "a command is doubled": "CREATE TRIGGER t AFTER INSERT ON crm_commands BEGIN INSERT INTO"
    " crm_commands VALUES ('', NEW.command || 'x', 'd', 1, 1); END",
}

_FUNCTION = "CREATE FUNCTION other() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {} END $$;"
_ADD = (
    "IF NEW.stream = 'a/2' THEN INSERT INTO crm_events VALUES"
    " (NEW.tenant, NEW.position + 5000, 'b/1', 1, NEW.name, '', NEW.state); END IF;"
)
POSTGRES = {
    "an event is swallowed": _FUNCTION.format(
        "IF NEW.stream = 'a/2' THEN RETURN NULL; END IF; RETURN NEW;"
    )
    + "CREATE TRIGGER t BEFORE INSERT ON crm_events FOR EACH ROW EXECUTE FUNCTION other()",
    "a command is swallowed": _FUNCTION.format("RETURN NULL;")
    + "CREATE TRIGGER t BEFORE INSERT ON crm_commands FOR EACH ROW EXECUTE FUNCTION other()",
    "another event is written, too": _FUNCTION.format(f"{_ADD} RETURN NULL;")
    + "CREATE TRIGGER t AFTER INSERT ON crm_events FOR EACH ROW EXECUTE FUNCTION other()",
    "another event is written instead": _FUNCTION.format(
        f"IF NEW.stream = 'a/2' THEN {_ADD} RETURN NULL; END IF; RETURN NEW;"
    )
    + "CREATE TRIGGER t BEFORE INSERT ON crm_events FOR EACH ROW EXECUTE FUNCTION other()",
    "a command is doubled": _FUNCTION.format(
        "IF NEW.command NOT LIKE '%x' THEN INSERT INTO crm_commands VALUES"
        " (NEW.tenant, NEW.command || 'x', 'd', 1, 1); END IF; RETURN NULL;"
    )
    + "CREATE TRIGGER t AFTER INSERT ON crm_commands FOR EACH ROW EXECUTE FUNCTION other()",
    "inserts go nowhere by a rule": "CREATE RULE t AS ON INSERT TO crm_commands DO INSTEAD NOTHING",
}

COMMITS: list[Commit] = [
    note("c1", "a/1", Tip(), ("x", "y"), "V1"),
    note("c2", "a/2", Tip(), ("z",), "V1"),
]

WAYS: dict[str, Callable[[CodecEventLog], object]] = {
    "at once": lambda log: log.append(COMMITS),
    "one event": lambda log: log.append(COMMITS[1:]),
    "as they come": lambda log: log.append(iter(COMMITS)),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("what", SQLITE)
def test_nothing_is_acknowledged_that_is_not_as_it_was_written_on_sqlite(
    what: str, way: str, tmp_path: Path
) -> None:
    _refused(f"sqlite:///{tmp_path / 'crm.db'}", SQLITE[what], way)


@pytest.mark.parametrize(
    ("what", "way"),
    # PostgreSQL lets no rule touch what is copied.
    [(a, b) for a in POSTGRES for b in WAYS if ("rule" in a, b) != (True, "as they come")],
)
def test_nothing_is_acknowledged_that_is_not_as_it_was_written_on_postgresql(
    what: str, way: str, postgres_url: str
) -> None:
    _refused(postgres_url, POSTGRES[what], way)


def _refused(url: str, statement: str, way: str) -> None:
    """Given a log, when something hangs on its tables, a writer is told and nothing is kept."""
    log = open_log(url)
    log.append([note("c0", "a/0", Tip(), ("before",), "V1")])
    before = log.verify()
    run(url, statement)
    with pytest.raises(NotALog) as raised:
        WAYS[way](log)
    assert raised.value.sentence == "rows_altered"
    assert [e.envelope.command for e in log.feed()] == ["c0"]
    assert log.outcomes(["c1", "c2", "c1x", "c2x"]) == {}
    found = log.verify()
    assert found.root == before.root
    assert found.first_fault is not None
    assert found.first_fault.kind == "schema"
    log.close()
