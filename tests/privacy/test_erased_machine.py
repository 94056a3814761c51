"""Erased data never return, in whatever order people, crashes and backups come (S12).

Long: `pytest tests/privacy/test_erased_machine.py --long` takes 100,000 steps.
"""

from __future__ import annotations

import shutil
import tempfile
from contextlib import suppress
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

from crm_core import CRM, Personal, Refused
from crm_core.application.texts import GONE
from crm_core.errors import PersonErased
from crm_core.kernel.sealed import Plain
from crm_core.owners import AddMember, ChangeContact, RegisterHousehold
from crm_core.owners.views import DIRECTORY
from crm_core.privacy import LiftLegalHold, PlaceLegalHold
from privacy.forgetting import CLERK, DAY, KEEPER, LEADER, WHY, Company, sealed_of

pytestmark = [pytest.mark.rule("PRV-04"), pytest.mark.case("S12")]

LOG, KEYS, STONES = "crm.db", "crm.db.keys", "crm.db.erased"
PARTS = (LOG, KEYS, STONES)
HOUSES = ("V1", "V2")
MEMBERS = ("owner", "a", "b")


def _fast() -> str | None:
    """A folder in memory where there is one: no power is cut here."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


class Crash(BaseException):
    """The process is gone."""


class Erasing(RuleBasedStateMachine):
    """What the model knows: who was erased, for good, whichever past of the log says so.

    Of each erasure at least one of log, keys and tombstones knows, whichever of them were put back:
    whoever opens the log lets the keys hold what the others know, and the tombstones what the log
    knows.
    """

    def __init__(self) -> None:
        super().__init__()
        self.home = Path(tempfile.mkdtemp(prefix="crm-erased-", dir=_fast()))
        (self.home / "now").mkdir()
        self.company = Company(self.home / "now")
        self.gone: set[str] = set()
        self.backups: list[tuple[Path, dict[str, frozenset[str]]]] = []
        # What each of the three knows of who is gone.
        self.known: dict[str, frozenset[str]] = dict.fromkeys(PARTS, frozenset())
        self.others: list[CRM] = []
        self.holds = 0

    def teardown(self) -> None:
        for crm in self.others:
            crm.close()
        shutil.rmtree(self.home, ignore_errors=True)

    @initialize()
    def begin(self) -> None:
        with self.company.open(create=True) as crm:
            for number, house in enumerate(HOUSES):
                owner = Personal(f"{house}#owner", f"name of {house}#owner")
                crm.do(
                    RegisterHousehold(house, "Anhe", "1", "1", f"{number}", owner=owner), by=CLERK
                )

    # --- people --------------------------------------------------------------------------

    @rule(house=st.sampled_from(HOUSES), member=st.sampled_from(MEMBERS))
    def tell(self, house: str, member: str) -> None:
        """A value of somebody is told, and kept unless they are erased."""
        person = f"{house}#{member}"
        name = Personal(person, f"name of {person}")
        with self.company.open() as crm:
            with suppress(Refused, PersonErased):
                crm.do(AddMember(house, person, "tenant", DAY, name), by=CLERK)
            try:
                crm.do(ChangeContact(house, person, "told", name=name), by=CLERK)
                kept = True
            except (Refused, PersonErased):
                kept = False
        assert not (kept and person in self.gone)

    @rule(
        house=st.sampled_from(HOUSES),
        member=st.sampled_from((*MEMBERS, None)),
        step=st.sampled_from((None, None, "add", "erase", "purge", "settle")),
        before=st.booleans(),
    )
    def erase(self, house: str, member: str | None, step: str | None, before: bool) -> None:
        """Somebody is erased, and the process may end in the middle of it."""
        person = None if member is None else f"{house}#{member}"
        keys: tuple[str, ...] = ()
        with self.company.open() as crm:
            if step is not None:
                _crash_at(crm, step, before=before)
            head = crm.log.head()
            with suppress(Crash, Refused):
                crm.privacy.erase(house, person, by=KEEPER, purpose=WHY)
            for recorded in crm.log.feed(after=head):
                keys = getattr(recorded.event, "keys", keys)
        self.gone |= set(keys)
        if keys:
            # Whoever opens it next finishes it, so that all three know of it then; of those who
            # were gone before each knows what it knew.
            self.company.open().close()
            self.known = {part: knew | {*keys} for part, knew in self.known.items()}

    @rule(house=st.sampled_from(HOUSES))
    def hold(self, house: str) -> None:
        """While a hold stands nobody of the household goes."""
        self.holds += 1
        number = f"H{self.holds}"
        with self.company.open() as crm:
            crm.do(PlaceLegalHold(house, number, DAY, "lawsuit"), by=LEADER)
            with pytest.raises(Refused) as refused:
                crm.privacy.erase(house, by=KEEPER, purpose=WHY)
            assert refused.value.reason == "legal_hold"
            crm.do(LiftLegalHold(house, number, DAY, "over"), by=LEADER)

    # --- other processes -----------------------------------------------------------------

    @precondition(lambda self: len(self.others) < 2)
    @rule()
    def open_another(self) -> None:
        self.others.append(self.company.open())

    @precondition(lambda self: self.others)
    @rule()
    def look_in_another(self) -> None:
        _check(self.others[-1], self.gone)

    @precondition(lambda self: self.others)
    @rule()
    def close_another(self) -> None:
        self.others.pop().close()

    @rule()
    def build_views_again(self) -> None:
        with self.company.open() as crm:
            crm.views.catch_up(DIRECTORY)
            crm.views.rebuild(DIRECTORY)
            crm.views.catch_up(DIRECTORY)

    # --- backups -------------------------------------------------------------------------

    @precondition(lambda self: len(self.backups) < 3)
    @rule()
    def back_up(self) -> None:
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
            return
        self._alone()
        for part in wanted:
            for ending in ("", "-wal", "-shm", "-journal"):
                (self.company.folder / f"{part}{ending}").unlink(missing_ok=True)
            if (copy / part).exists():
                shutil.copy2(copy / part, self.company.folder / part)
        with self.company.open() as crm:
            _check(crm, self.gone)
            assert crm.verify().intact
        after[STONES] |= after[LOG]
        after[KEYS] |= after[STONES]
        self.known = after

    def _alone(self) -> None:
        """Nobody has the files open while they are copied or exchanged."""
        while self.others:
            self.others.pop().close()

    # --- what must hold ------------------------------------------------------------------

    @invariant()
    def nobody_returns(self) -> None:
        if not (self.company.folder / LOG).exists():
            return
        with self.company.open() as crm:
            _check(crm, self.gone)


def _check(crm: CRM, gone: set[str]) -> None:
    """Nobody who is gone shows anything, and nobody else is."""
    for place, value in sealed_of(crm):
        opened = crm.host.vault.open(value, place)
        if value.subject in gone:
            assert not isinstance(opened, Plain), value.subject
        elif isinstance(opened, Plain):
            assert opened.text in {f"name of {value.subject}", "told", "lawsuit", "over", GONE}


def _crash_at(crm: CRM, step: str, *, before: bool) -> None:
    owner: Any = {"erase": crm.host.vault, "purge": crm.host.traces}.get(step, crm.host.tombstones)
    real = getattr(owner, step)

    def crash(*arguments: Any, **named: Any) -> None:
        if not before:
            real(*arguments, **named)
        raise Crash

    setattr(owner, step, crash)


def test_erased_data_never_return(request: pytest.FixtureRequest) -> None:
    long = request.config.getoption("--long")
    profile = settings(
        max_examples=2000 if long else 6,
        stateful_step_count=50 if long else 20,
        deadline=None,
    )
    run_state_machine_as_test(Erasing, settings=profile)  # type: ignore[no-untyped-call]
