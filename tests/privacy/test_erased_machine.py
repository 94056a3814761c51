"""Erased data never return, in whatever order people, crashes and backups come (S12).

Long: `pytest tests/privacy/test_erased_machine.py --long -s` takes 100,000 steps and says how many.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from crm_adapters.outputs import Kept, written_whole
from crm_adapters.register import PERSON, Register
from crm_core import CRM, Personal
from crm_core.owners import RegisterHousehold
from crm_core.privacy import LiftLegalHold, PlaceLegalHold
from privacy.forgetting import CLERK, DAY, LEADER, Company
from privacy.neighbour import Neighbour, build, erase, name_of, seen, tell

pytestmark = [pytest.mark.rule("PRV-04"), pytest.mark.case("S12")]

LOG, KEYS, STONES = "crm.db", "crm.db.keys", "crm.db.erased"
PARTS = (LOG, KEYS, STONES)
HOUSES = ("V1", "V2")
MEMBERS = ("owner", "a", "b", "c")

FRESH, HERE, NEXT_DOOR = "fresh", "here", "next door"
"""Who does something: a process that opens the log for it, one that had it open, and another one
that had it open."""
WHO = st.sampled_from((FRESH, HERE, NEXT_DOOR))

STEPS = 100_000

_taken: Counter[str] = Counter()
"""How often each thing was done."""


def _fast() -> str | None:
    """A folder in memory where there is one: no power is cut here."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


class Crash(BaseException):
    """The process is gone."""


class Erasing(RuleBasedStateMachine):
    """What the model knows: who was erased, for good, whichever past of the log says so.

    Of each erasure at least one of log, keys and tombstones knows, whichever of them were put back:
    whoever opens the log lets the keys hold what the others know, and the tombstones what the log
    or the keys know.
    """

    neighbour: Neighbour
    """Another process, which lives as long as all the tests here."""

    looker: Neighbour
    """One that reads files: whoever closes a file loses the locks that SQLite has on it."""

    begun: Path
    """Files of a company of two households, to begin with."""

    def __init__(self) -> None:
        super().__init__()
        self.home = Path(tempfile.mkdtemp(prefix="crm-erased-", dir=_fast()))
        self.company = Company(self.home / "now")
        self.gone: set[str] = set()
        self.backups: list[tuple[Path, dict[str, frozenset[str]]]] = []
        # What each of the three knows of who is gone.
        self.known: dict[str, frozenset[str]] = dict.fromkeys(PARTS, frozenset())
        self.here: CRM | None = None
        self.next_door = False
        self.numbers = 0
        # Bytes that stand nowhere any more.
        self.shunned: set[bytes] = set()

    def teardown(self) -> None:
        self.nobody_returns()
        with self.company.open() as crm:
            assert seen(crm, self.gone) == []
        self._alone()
        shutil.rmtree(self.home, ignore_errors=True)

    @initialize()
    def begin(self) -> None:
        shutil.copytree(self.begun, self.company.folder)

    @contextmanager
    def _opened(self, who: str) -> Iterator[CRM]:
        """The log, as a process of ours has it open."""
        if who == HERE:
            if self.here is None:
                self.here = self.company.open()
            yield self.here
        else:
            with self.company.open() as crm:
                yield crm

    def _ask(self, what: str, *told: Any) -> Any:
        """Let the other process do something; it opens the log first if it has not yet."""
        if not self.next_door:
            self.neighbour.ask("open", str(self.company.folder))
            self.next_door = True
        return self.neighbour.ask(what, *told)

    # --- people --------------------------------------------------------------------------

    @rule(house=st.sampled_from(HOUSES), member=st.sampled_from(MEMBERS), who=WHO)
    def tell(self, house: str, member: str, who: str) -> None:
        """A value of somebody is told, and kept unless they are erased."""
        _taken[f"told {who}"] += 1
        person = f"{house}#{member}"
        if who == NEXT_DOOR:
            kept = self._ask("tell", house, person)
        else:
            with self._opened(who) as crm:
                kept = tell(crm, house, person)
        assert not (kept and person in self.gone)

    @rule(house=st.sampled_from(HOUSES), member=st.sampled_from((*MEMBERS, None)), who=WHO)
    def erase(self, house: str, member: str | None, who: str) -> None:
        """Somebody is erased, by a process that others do not wait for."""
        _taken[f"erased {who}"] += 1
        person, secrets = _person(house, member), self._secrets()
        if who == NEXT_DOOR:
            keys = self._ask("erase", house, person)
        else:
            with self._opened(who) as crm:
                keys = erase(crm, house, person)
        self._is_gone(keys, secrets)

    @rule(
        house=st.sampled_from(HOUSES),
        member=st.sampled_from((*MEMBERS, None)),
        step=st.sampled_from(("add", "erase", "purge", "settle")),
        before=st.booleans(),
    )
    def erase_and_crash(self, house: str, member: str | None, step: str, before: bool) -> None:
        """The process ends in the middle of it; whoever opens the log next finishes it."""
        _taken["crashed"] += 1
        keys: tuple[str, ...] = ()
        secrets = self._secrets()
        with self.company.open() as crm:
            _crash_at(crm, step, before=before)
            head = crm.log.head()
            with suppress(Crash):
                erase(crm, house, _person(house, member))
            for recorded in crm.log.feed(after=head):
                keys = getattr(recorded.event, "keys", keys)
        if keys:
            with self.company.open() as crm:
                assert seen(crm, self.gone | {*keys}) == []
        self._is_gone([*keys], secrets)

    def _is_gone(self, keys: list[str], secrets: dict[str, bytes]) -> None:
        """All three know of it now; of those who were gone before each knows what it knew."""
        self.gone |= {*keys}
        self.known = {part: knew | {*keys} for part, knew in self.known.items()}
        self.shunned |= {secrets[key] for key in keys if key in secrets}
        for key in keys:
            # Its copy went with it.
            assert not self._copy_of(key).exists()

    def _secrets(self) -> dict[str, bytes]:
        """The keys that lie in the key file."""
        with closing(sqlite3.connect(self.company.keys)) as file:
            return dict(file.execute("SELECT subject, key FROM crm_keys WHERE key IS NOT NULL"))

    @rule(house=st.sampled_from(HOUSES))
    def hold(self, house: str) -> None:
        """While a hold stands nobody of the household goes."""
        _taken["held"] += 1
        self.numbers += 1
        number = f"H{self.numbers}"
        with self._opened(HERE) as crm:
            crm.do(PlaceLegalHold(house, number, DAY, "lawsuit"), by=LEADER)
            assert erase(crm, house, None) == []
            crm.do(LiftLegalHold(house, number, DAY, "over"), by=LEADER)

    # --- what is made of the log ---------------------------------------------------------

    @rule(who=WHO)
    def build_views_again(self, who: str) -> None:
        _taken[f"built {who}"] += 1
        if who == NEXT_DOOR:
            self._ask("build")
        else:
            with self._opened(who) as crm:
                build(crm)

    @rule(house=st.sampled_from(HOUSES), member=st.sampled_from(MEMBERS))
    def copy_for(self, house: str, member: str) -> None:
        """A copy of what is about somebody is made, in which their name stands, if it is known."""
        _taken["copied"] += 1
        person = _person(house, member)
        assert person is not None
        if person in self.gone:
            return
        register = Register(self.company.folder / f"{LOG}.written")
        written_whole(
            self._copy_of(person), name_of(person).encode(),
            private=True, kept=Kept(register=register), kind=PERSON, about=[house, person],
        )  # fmt: skip

    def _copy_of(self, person: str) -> Path:
        return self.company.folder / f"copy-{person}.json"

    # --- other processes -----------------------------------------------------------------

    @rule()
    def look_next_door(self) -> None:
        _taken["looked next door"] += 1
        assert self._ask("see", [*self.gone]) == []

    @precondition(lambda self: self.next_door or self.here)
    @rule()
    def close(self) -> None:
        _taken["closed"] += 1
        self._alone()

    # --- backups -------------------------------------------------------------------------

    @precondition(lambda self: len(self.backups) < 3)
    @rule()
    def back_up(self) -> None:
        _taken["backed up"] += 1
        self._alone()
        copy = self.home / f"copy-{len(self.backups)}"
        shutil.copytree(self.company.folder, copy)
        self.backups.append((copy, dict(self.known)))

    @precondition(lambda self: self.backups)
    @rule(data=st.data())
    def put_back(self, data: st.DataObject) -> None:
        """One or two of the three come from a copy, or all, as long as one knows of each."""
        copy, knew = data.draw(st.sampled_from(self.backups))
        wanted = data.draw(st.sets(st.sampled_from(PARTS), min_size=1))
        after = {part: knew[part] if part in wanted else self.known[part] for part in PARTS}
        if not frozenset().union(*after.values()) >= self.gone:
            _taken["not put back"] += 1
            return
        _taken[f"put back {len(wanted)}"] += 1
        self._alone()
        for part in wanted:
            for ending in ("", "-wal", "-shm", "-journal"):
                (self.company.folder / f"{part}{ending}").unlink(missing_ok=True)
            if (copy / part).exists():
                shutil.copy2(copy / part, self.company.folder / part)
        with self.company.open() as crm:
            assert seen(crm, self.gone) == []
            assert crm.verify().intact
        after[STONES] |= after[LOG] | after[KEYS]
        after[KEYS] |= after[STONES]
        self.known = after

    def _alone(self) -> None:
        """Nobody has the files open while they are copied or exchanged."""
        if self.here is not None:
            self.here.close()
        if self.next_door:
            self.neighbour.ask("close")
        self.here, self.next_door = None, False

    # --- what must hold ------------------------------------------------------------------

    @invariant()
    def nobody_returns(self) -> None:
        """To nobody who has the log open, and in no byte of a file that has changed."""
        with self._opened(HERE) as crm:
            assert seen(crm, self.gone) == []
        if self.next_door:
            assert self.neighbour.ask("see", [*self.gone]) == []
        shunned = sorted(one.hex() for one in self.shunned)
        assert self.looker.ask("search", str(self.company.folder), shunned) == []


def _person(house: str, member: str | None) -> str | None:
    return None if member is None else f"{house}#{member}"


def _crash_at(crm: CRM, step: str, *, before: bool) -> None:
    owner: Any = {"erase": crm.host.vault, "purge": crm.host.traces}.get(step, crm.host.tombstones)
    real = getattr(owner, step)

    def crash(*arguments: Any, **named: Any) -> None:
        if not before:
            real(*arguments, **named)
        raise Crash

    setattr(owner, step, crash)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[type[Erasing]]:
    """Two households with an owner each, and a neighbour."""
    company = Company(tmp_path)
    with company.open(create=True) as crm:
        for number, house in enumerate(HOUSES):
            person = f"{house}#owner"
            owner = Personal(person, name_of(person))
            crm.do(RegisterHousehold(house, "Anhe", "1", "1", f"{number}", owner=owner), by=CLERK)
    Erasing.begun = tmp_path
    Erasing.neighbour, Erasing.looker = Neighbour(), Neighbour()
    yield Erasing
    Erasing.neighbour.end()
    Erasing.looker.end()


def test_erased_data_never_return(request: pytest.FixtureRequest, machine: type[Erasing]) -> None:
    long, begun = request.config.getoption("--long"), time.monotonic()
    _taken.clear()
    profile = settings(
        max_examples=(STEPS // 50) if long else 12,
        stateful_step_count=50 if long else 25,
        deadline=None,
        database=None,
    )
    try:
        run_state_machine_as_test(machine, settings=profile)  # type: ignore[no-untyped-call]
    finally:
        print(f"{_taken.total():,} steps in {time.monotonic() - begun:.0f} s: {dict(_taken)}")
