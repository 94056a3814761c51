"""Nothing is decided on a copy that may be behind: a standby is not opened as a log."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest

from crm_adapters.eventlog.opening import open_database
from crm_core.errors import StoreUnreachable
from crm_core.ports import EventLog
from faults.cluster import Cluster
from faults.logs import note, open_log, texts


@pytest.fixture
def standby(cluster: Cluster, postgres_server: Any) -> Iterator[Cluster]:
    cluster.make_database("copied")
    with closing(open_log(cluster.url("copied"))) as log:
        log.append([note("c0", "a/0", None, ("before",))])
    made = Cluster(postgres_server, source=cluster)
    try:
        made.start()
        yield made
    finally:
        made.close()


@pytest.mark.rule("LOG-01")
def test_a_standby_is_refused_until_it_leads(cluster: Cluster, standby: Cluster) -> None:
    with psycopg.connect(standby.url("copied")) as connection:
        assert connection.execute("SELECT count(*) FROM crm_events").fetchone() == (1,)
    with pytest.raises(StoreUnreachable, match="standby"):
        open_log(standby.url("copied"))
    standby.run("pg_ctl", "promote", "-w", "-D", str(standby.folder / "data"))
    with closing(open_log(standby.url("copied"))) as log:
        assert texts(log.feed()) == ["before"]
        log.append([note("c1", "a/1", None, ("after",))])
        assert texts(log.feed()) == ["before", "after"]
        assert log.verify().intact


def test_a_log_has_one_place_to_read_from_and_no_option_for_another() -> None:
    """Every reading goes to where is written: there is nothing to choose."""
    reading = ("read", "fold", "tips", "feed", "by_household", "outcomes", "settled", "head")
    words = {"self", "stream", "streams", "after", "upto", "names", "households", "commands",
             "evolve", "state", "opened", "limit"}  # fmt: skip
    for method in reading:
        assert set(inspect.signature(getattr(EventLog, method)).parameters) <= words, method
    options = set(inspect.signature(open_database).parameters)
    assert options == {"url", "create", "tenant", "contiguous", "outdated"}


@pytest.mark.rule("LOG-01")
def test_what_one_program_was_told_another_sees_at_once(postgres_url: str) -> None:
    with closing(open_log(postgres_url)) as one, closing(open_log(postgres_url)) as other:
        for n in range(50):
            [done] = one.append([note(f"c{n}", f"a/{n}")])
            assert other.tips([f"a/{n}"])[f"a/{n}"].version == 1
            assert other.outcomes([f"c{n}"]) == {f"c{n}": done}
