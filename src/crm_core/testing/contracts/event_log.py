"""The contract of the port `EventLog`.

class TestMyLog(EventLogContract):
    def make_log(self, catalog):
        return CodecEventLog(MyStore(), Codec(catalog, LocalVault()))

    def reopen(self, log, catalog):
        return CodecEventLog(log.store, Codec(catalog, LocalVault()))
"""

from __future__ import annotations

import sys
from functools import partial
from typing import cast

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from crm_core.errors import UnknownEvent
from crm_core.kernel.merkle import MerkleTree
from crm_core.kernel.recorded import Commit
from crm_core.ports import EventLog
from crm_core.testing.contracts.appending import AppendingContract
from crm_core.testing.contracts.events import (
    CATALOG,
    DAY,
    FIRST_CATALOG,
    FOREIGN_CATALOG,
    NOON,
    SMALL_CATALOG,
    Counted,
    CountedInYuan,
    Noted,
    commit_of,
    kept,
    noted,
    texts_of,
)
from crm_core.testing.contracts.log_machine import LogMachine
from crm_core.testing.contracts.reading import ReadingContract

_ROOT = "ed6b6dd3dd586f4e7ac5f3963a2208c089638faddce45d602ff00827f58bff5f"
"""Root over the digests of `_fixed_commits`, the same on every store for ever."""


class EventLogContract(AppendingContract, ReadingContract):
    """What every `EventLog` does (LOG-01, LOG-02, LOG-03).

    A subclass defines `make_log` and `reopen`, as methods that may use what its fixtures set up.
    """

    root = _ROOT
    """Of the events that the contract writes; empty for logs of tenants, whose first links name
    them."""

    examples: int | None = None
    """How many random histories are tried; None leaves it to the profile of hypothesis."""

    # --- names (LOG-02) --------------------------------------------------------------------------

    @pytest.mark.rule("LOG-02")
    def test_an_unknown_event_is_reported_and_nothing_is_imported(self, log: EventLog) -> None:
        writer = self.reopen(log, FOREIGN_CATALOG)
        writer.append([commit_of("c1", {"a/1": noted("1"), "a/2": [Counted(1)]}, household="V1")])
        reader = self.reopen(log, SMALL_CATALOG)
        assert texts_of(reader.read("a/1")) == ["1"]
        modules = set(sys.modules) - {"wave"}
        for read in (
            lambda: list(reader.feed()),
            lambda: list(reader.read("a/2")),
            lambda: list(reader.by_household()),
            lambda: list(reader.facts()),
            lambda: reader.fold("a/2", kept, ()),
        ):
            with pytest.raises(UnknownEvent) as raised:
                read()
            assert (raised.value.name, raised.value.position) == ("wave.open/1", reader.head())
        assert set(sys.modules) - {"wave"} == modules
        assert texts_of(reader.feed(names=["contract.noted/1"])) == ["1"]
        assert reader.verify().intact

    @pytest.mark.rule("LOG-02")
    def test_an_event_that_is_not_in_the_catalog_is_not_written(self, log: EventLog) -> None:
        small = self.reopen(log, SMALL_CATALOG)
        with pytest.raises(Exception, match="Counted"):
            small.append([commit_of("c1", {"a/1": [Noted("1"), Counted(1)]})])
        assert log.head() == 0

    @pytest.mark.rule("LOG-02")
    def test_an_old_version_is_read_in_todays_shape(self, log: EventLog) -> None:
        old = self.reopen(log, FIRST_CATALOG)
        old.append([commit_of("c1", {"a/1": [CountedInYuan(127)]}, household="V1")])
        before = old.verify()
        now = self.reopen(log, CATALOG)
        [recorded] = now.read("a/1")
        assert list(now.facts()) == [("V1", [(recorded.position, NOON, recorded.event)])]
        assert recorded.event == Counted(12700)
        assert recorded.name == "contract.counted/1"
        assert now.verify() == before

    # --- verifying -------------------------------------------------------------------------------

    @pytest.mark.rule("LOG-03")
    def test_the_same_events_have_the_same_root_on_every_store(self, log: EventLog) -> None:
        log.append(_fixed_commits())
        found = log.verify()
        assert found.intact
        assert found.events == len(list(log.feed()))
        tree = MerkleTree()
        for recorded in log.feed():
            tree.append(recorded.digest.encode())
        assert found.root == tree.root()
        assert found.root == self.root or not self.root

    # --- any history -----------------------------------------------------------------------------

    @pytest.mark.rule("LOG-01", "LOG-03")
    def test_any_history_is_that_of_a_list(self) -> None:
        """Whatever is done, the log answers as a plain list of events would."""
        profile = settings(
            deadline=None, stateful_step_count=12, suppress_health_check=list(HealthCheck)
        )
        if self.examples is not None:
            profile = settings(profile, max_examples=self.examples)
        machine = cast("type[RuleBasedStateMachine]", partial(LogMachine, self))
        run_state_machine_as_test(machine, settings=profile)


def _fixed_commits() -> list[Commit]:
    return [
        commit_of("c1", {"a/1": noted("一", "two")}, household="V00001"),
        commit_of("c2", {"a/2": [Counted(12700, DAY, "ü")], "b/星": noted("\U0001f3e0")}),
        commit_of("c3", {"c/1": noted('"quoted" \\ and \n\t\x00 and \u202e'), "c/2": noted("")}),
    ]
