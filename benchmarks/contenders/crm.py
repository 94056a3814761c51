"""crm-core: the log as `open_crm` opens it."""

from __future__ import annotations

import gc
import resource
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from hashlib import sha256
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import attrs

from contenders import work
from crm_adapters import open_crm
from crm_adapters.codec import codec
from crm_adapters.frames import FramesEngine
from crm_adapters.keys import LocalVault
from crm_core import CRM, Account, Actor, Planned
from crm_core.gradings.engines.port import Ask
from crm_core.gradings.reading import DEFAULT_READING, Reading
from crm_core.kernel.canonical import GENESIS
from crm_core.kernel.dates import Period, local_date
from crm_core.kernel.projection import Projection, Put, Rows
from crm_core.kernel.recorded import Commit, Cutoff, Envelope, Recorded, StreamAppend, Tip
from crm_core.kernel.sealed import Personal, Place
from crm_core.opinions import RecordOpinion
from crm_core.owners import HOUSEHOLD, RecordItem, RegisterHousehold
from crm_core.owners.events import HouseholdRegistered
from crm_core.payments import ACCOUNT, CreditPolicy, Ledger, credit_standing
from crm_core.payments.commands import RaiseCharge, ReceivePayment, RecordPurchase
from crm_core.payments.credit import DEFAULT_CREDIT
from crm_core.payments.events import ChargeRaised, PaymentReceived
from crm_core.ports import silent
from crm_core.privacy.incidents import OpenLeak
from crm_core.reads import Read
from crm_core.requests import ReceiveRequest
from crm_core.slices import shipped
from crm_core.testing.towns import Town, fill, known_at, plant_errors

ZONE = "Asia/Shanghai"
ONE = "V0000007"
"""The household that is asked about where one is."""

GRADED = 2011

QUESTIONS: dict[str, Callable[[CRM], Any]] = {
    "credit": lambda crm: list(crm.accounts.credit(date(2011, 12, 31), households=[ONE])),
    "statement": lambda crm: crm.accounts.statement(ONE, date(2011, 12, 31)),
    "history": lambda crm: crm.gradings.history(ONE),
    "explain": lambda crm: crm.explain(ONE, GRADED),
    "cut-off of now": lambda crm: crm.gradings.cutoff(None),
    "cut-off of then": lambda crm: crm.gradings.cutoff(known_at(GRADED)),
    "start of a run": lambda crm: crm.gradings._service._asked(GRADED + 1, None, None, trial=True),
    "start of a run as of then": lambda crm: crm.gradings._service._asked(
        GRADED + 1, known_at(GRADED), None, trial=True
    ),
    "runs of record": lambda crm: crm.gradings.records(),
    "runs of a year": lambda crm: crm.gradings.runs(GRADED),
    "adopted policies": lambda crm: crm.gradings.in_force(date(2011, 12, 31)),
    "root": lambda crm: crm.log.root(),
}
READER = Actor("benchmark", "specialist")
CASHIER = Actor("benchmark", "finance")


@attrs.frozen
class Balance:
    """A row of the view: what an account was charged and has paid."""

    household: str
    charges: int = 0
    charged_fen: int = 0
    payments: int = 0
    paid_fen: int = 0


def balance(rows: Rows[Balance], recorded: Recorded[Any]) -> Iterator[Put[Balance]]:
    event, household = recorded.event, recorded.household
    row = rows.get(household) or Balance(household)
    if isinstance(event, ChargeRaised):
        fen = row.charged_fen + event.amount_fen
        row = Balance(household, row.charges + 1, fen, row.payments, row.paid_fen)
    else:
        fen = row.paid_fen + event.amount_fen
        row = Balance(household, row.charges, row.charged_fen, row.payments + 1, fen)
    yield Put(household, row, f"{row.charged_fen - row.paid_fen:+015}")


BALANCES = Projection(
    "bench.balances",
    1,
    Balance,
    ["payments.charge_raised/1", "payments.payment_received/1"],
    balance,
)


class Contender:
    """What it can be asked for; every answer is in seconds."""

    def __init__(self) -> None:
        self._opened: dict[str, CRM] = {}
        self._engines: dict[tuple[str, str], FramesEngine] = {}
        self._vaults: dict[str, LocalVault] = {}
        self._next = 1

    def versions(self) -> dict[str, str]:
        names = ["attrs", "cattrs", "msgspec", "sqlalchemy", "cryptography", "psycopg"]
        used = ("polars", "narwhals", "pyspark")
        return {name: version(name) for name in (*names, *(n for n in used if n in sys.modules))}

    def append(self, url: str, batch: int, count: int, chained: bool = True) -> float:
        """Append `count` batches, each one commit to a new account."""
        log = self._crm(url).log
        tasks = [[commit(self._number(), batch)] for _ in range(count)]
        stored_event = codec.stored_event
        if not chained:
            codec.stored_event = _unchained
        gc.collect()
        started = perf_counter()
        try:
            for commits in tasks:
                log.append(commits)
            seconds = perf_counter() - started
        finally:
            codec.stored_event = stored_event
        last = tasks[-1][0].appends[0].stream
        assert (log.tips([last])[last].digest == GENESIS) is not chained
        return seconds

    def append_bulk(self, url: str, batch: int, count: int) -> float:
        """Append `count` commits of `batch` events each in one transaction, as an import does."""
        log = self._crm(url).log
        commits = [commit(self._number(), batch) for _ in range(count)]
        gc.collect()
        started = perf_counter()
        log.append(iter(commits))
        return perf_counter() - started

    def append_from_threads(self, url: str, writers: int, each: int) -> float:
        """Append one event at a time from several threads, each commit to a new account."""
        log = self._crm(url).log
        tasks = [[[commit(self._number(), 1)] for _ in range(each)] for _ in range(writers)]
        gc.collect()
        return work.in_threads([partial(_append_all, log, task) for task in tasks])

    def fill(self, url: str, events: int) -> int:
        """Append so many events in batches of a thousand."""
        log = self._crm(url).log
        for _ in range(events // 1000):
            log.append([commit(self._number(), 1000)])
        return log.head()

    def prepare(self, url: str, accounts: int, size: int) -> int:
        """Fill a log with accounts that grow side by side, one event at a time."""
        log = self._crm(url).log
        numbers = range(1, accounts + 1)
        tips = dict.fromkeys(numbers, Tip())
        for version_ in range(1, size + 1):
            commits = []
            for number in numbers:
                fact = account_event(number, version_)
                stream = ACCOUNT.stream(work.household(number))
                events = (_envelope(work.command_id(self._number()), 0, *fact),)
                append = StreamAppend(stream, tips[number], work.household(number), events)
                commits.append(Commit(events[0].command, "", (append,)))
            log.append(commits)
            tips = dict(zip(numbers, self._tips(log, numbers), strict=True))
        return log.head()

    def receive(self, url: str, requests: int, due: int) -> int:
        """Take in requests of which so many are about to be warned of, and catch up the views."""
        crm = self._crm(url)
        numbers = iter(range(requests))
        while chunk := list(islice(numbers, 5000)):
            crm.batch([_received(number, due) for number in chunk], by=READER)
        return crm.tick(RECEIVED).events["requests"]

    def fill_year(self, url: str, households: int) -> int:
        """As many households, each with an open request and a bill, spread over a year."""
        crm = self._crm(url)
        numbers = iter(range(households))
        while chunk := list(islice(numbers, 2000)):
            every = [_household(n) for n in chunk]
            crm.batch([planned for files in every for planned in files[:2]], by=READER)
            crm.batch([charge for _, _, charge in every], by=CASHIER)
        return crm.log.head()

    def fill_history(self, url: str, households: int, charges: int, owing: int) -> int:
        """Households with as many charges as payments over ten years, a tenth of them in arrears.

        Args:
            owing: Of so many households one has not paid its first charge, and has an open case.
        """
        crm = self._crm(url)
        numbers = iter(range(households))
        while chunk := list(islice(numbers, 50)):
            crm.batch([_registered(number) for number in chunk], by=READER)
            crm.log.append([_history(number, charges, number % owing == 0) for number in chunk])
        return crm.log.count()

    def tick_once(self, url: str) -> tuple[float, int]:
        """Ask the clock for the first time, after ten years: seconds, and what was recorded."""
        crm = self._crm(url)
        gc.collect()
        started = perf_counter()
        recorded = crm.tick(HISTORY_ENDS).events["collection"]
        return perf_counter() - started, recorded

    def tick_year(self, url: str) -> tuple[float, int]:
        """Ask the clock once a day for a year: seconds, and what was recorded."""
        crm, recorded = self._crm(url), 0
        crm.tick(RECEIVED)
        gc.collect()
        started = perf_counter()
        for day in range(1, YEAR_DAYS + 1):
            recorded += sum(crm.tick(RECEIVED + timedelta(days=day)).events.values())
        return perf_counter() - started, recorded

    def load(self, url: str, first: int, count: int, size: int) -> float:
        """Load `count` accounts: read their streams and fold them, as every command does."""
        fold, evolve, initial = self._crm(url).log.fold, ACCOUNT.decider.evolve, Account()
        streams = [ACCOUNT.stream(work.household(n)) for n in range(first, first + count)]
        gc.collect()
        started = perf_counter()
        for stream in streams:
            state, tip = fold(stream, evolve, initial)
        seconds = perf_counter() - started
        assert tip.version == len(state.facts) == size
        return seconds

    def project(self, url: str) -> float:
        """Build a view of all accounts from the first event to the last."""
        crm = self._crm(url)
        view = attrs.evolve(BALANCES, version=self._number())
        gc.collect()
        started = perf_counter()
        position = crm.views.catch_up(view)
        seconds = perf_counter() - started
        assert position == crm.log.head()
        rows = crm.views.scan(view, limit=10**9)
        assert sum(row.charges + row.payments for _, _, row in rows) == crm.log.count()
        crm.views.prune([attrs.evolve(view, version=view.version + 1)])
        return seconds

    def get(self, url: str, first: int, count: int, size: int) -> float:
        """Load `count` accounts through the facade."""
        crm = self._crm(url)
        names = [work.household(n) for n in range(first, first + count)]
        gc.collect()
        started = perf_counter()
        for name in names:
            state = crm.get(Account, name, by=READER)
        seconds = perf_counter() - started
        assert state is not None
        assert len(state.facts) == size
        return seconds

    def prepare_accounts(self, url: str, first: int, count: int, months: int) -> int:
        """Add households with so many charges and payments each."""
        log = self._crm(url).log
        commits = []
        for number in range(first, first + count):
            who = work.household(number)
            command = work.command_id(self._number())
            file = HouseholdRegistered(who, "Anhe", "1", "1", str(number), "person", None, "import")
            events = [account_event(number, version_) for version_ in range(1, 2 * months + 1)]
            told = tuple(_envelope(command, nth, *event) for nth, event in enumerate(events))
            registered = _envelope(command, len(told), file, work.FIRST_DAY, work.FIRST_INSTANT)
            appends = (
                StreamAppend(ACCOUNT.stream(who), Tip(), who, told),
                StreamAppend(HOUSEHOLD.stream(who), Tip(), who, (registered,)),
            )
            commits.append(Commit(command, "", appends))
        log.append(commits)
        return log.head()

    def arrears(self, url: str, households: int) -> float:
        """Arrears and credit grade of everybody, straight from the log."""
        crm = self._crm(url)
        gc.collect()
        started = perf_counter()
        owing = count = 0
        for line in crm.accounts.credit(work.ARREARS_DAY):
            count += 1
            owing += line.overdue_fen > 0
        seconds = perf_counter() - started
        assert count == households
        assert owing
        return seconds

    def fold(self, accounts: int, months: int) -> float:
        """The same of events that are in memory already: the fold alone."""
        told = [
            [
                (account_event(number, version_)[0], version_)
                for version_ in range(1, 2 * months + 1)
            ]
            for number in range(1, accounts + 1)
        ]
        policy = shipped().find(CreditPolicy, DEFAULT_CREDIT, work.ARREARS_DAY)
        gc.collect()
        started = perf_counter()
        for facts in told:
            credit_standing(Ledger.of(facts), work.ARREARS_DAY, policy)
        return perf_counter() - started

    def settle(self, url: str, households: int) -> int:
        """Fill a log with a town; how many events."""
        return fill(self._crm(url).log, town(households))

    def grade_town(self, url: str) -> int:
        """Grade every year of a town; how many gradings."""
        crm, years = self._crm(url), town(0)
        return sum(
            len(crm.grade(year, known=known_at(year)).gradings)
            for year in range(years.first_year, years.first_year + years.years)
        )

    def look_up(self, url: str, question: str) -> float:
        """Ask one of the questions of `QUESTIONS` once: seconds of the processor's."""
        crm, ask = self._crm(url), QUESTIONS[question]
        gc.collect()
        started = process_time()
        ask(crm)
        return process_time() - started

    def live(self, url: str, events: int) -> int:
        """Fill a log with one household that has lived through so many events; how many."""
        crm, home = self._crm(url), "V00001"
        clerk, owner = Actor("S17", "specialist"), f"{home}#owner"
        first, at = date(2011, 1, 1), datetime(2020, 1, 1, tzinfo=UTC)
        place = ("Xinghe", "1", "2", "301")
        opened = RegisterHousehold(home, *place, owner=Personal(owner, "Zhang"))
        crm.do(opened, by=clerk, at=at)
        commands: list[Any] = []
        need = Personal(owner, "lift")
        for number in range(events // 5):
            day = first + timedelta(days=7 * number)
            commands += [
                RaiseCharge(home, f"C{number}", "management_fee", f"{day:%Y-%m}", 10_000, day),
                ReceivePayment(home, f"P{number}", 10_000, day, "cash", charge=f"C{number}"),
                RecordPurchase(home, f"U{number}", "cleaning", 5_000, day),
                RecordItem(home, owner, "need", need, day, entry=f"{number % 9}"),
                RecordOpinion(home, f"O{number}", "forum", owner, day, f"thread {number}"),
            ]
        planned = [Planned(command, f"e{n}", at) for n, command in enumerate(commands)]
        return 2 + crm.batch(planned, by=clerk)

    def open_file(self, url: str) -> float:
        """Read that household's file for a purpose: seconds of the processor's."""
        crm = self._crm(url)
        gc.collect()
        started = process_time()
        file = crm.owners.file("V00001", by=Actor("S17", "specialist"), purpose="case 1")
        seconds = process_time() - started
        assert file is not None
        assert all(isinstance(one.value, str) for one in file.items())
        return seconds

    def look_at(self, url: str, households: int, reads: int) -> int:
        """Open files of households, and log so many reads of them; how many were shown."""
        crm = self._crm(url)
        began, told = datetime(2023, 1, 1, tzinfo=UTC), crm.host.reads
        assert told is not None
        clerk = Actor("S17", "specialist")
        homes = [f"V{number:05}" for number in range(households)]
        files = [
            RegisterHousehold(home, "Xinghe", "1", "2", home, owner=Personal(f"{home}#owner", "Li"))
            for home in homes
        ]
        crm.batch((Planned(one, one.household, began) for one in files), by=clerk)
        shown = 0
        for first in range(0, reads, 10_000):
            page = []
            for number in range(first, min(first + 10_000, reads)):
                # Here and there in the town, half of the households as a whole.
                home, whole = homes[number * 7_919 % households], number // households % 2 == 0
                reason = "" if number % 20 else "tier"
                shown += not reason
                page.append(
                    Read(
                        at=began + timedelta(seconds=30 * number),
                        actor=f"specialist:S{number % 41}",
                        purpose="service",
                        household=home,
                        subject="" if whole else f"{home}#owner",
                        fields=("layer", "type") if whole else ("name", "phone"),
                        source="owners.opened",
                        reason=reason,
                    )
                )
            told.write(page)
        keeper = Actor("D1", "director")
        crm.do(OpenLeak("K1", "grave", crm.clock.now(), "a stolen list", since=began), by=keeper)
        return shown

    def affected(self, url: str, households: int, shown: int) -> tuple[float, float]:
        """Ask whose values were shown, and determine who is affected by a leak."""
        crm, keeper = self._crm(url), Actor("D1", "director")
        gc.collect()
        started = perf_counter()
        seen = crm.privacy.affected(by=keeper)
        asked = perf_counter()
        persons, _ = crm.privacy.leaks.determine_affected("K1", by=keeper)
        determined = perf_counter()
        assert sum(one.reads for one in seen) == shown
        assert len(persons) <= households
        return asked - started, determined - asked

    def count_town(self, url: str) -> tuple[int, int]:
        """How many facts gradings look at, and how many gradings there are."""
        found = self._crm(url).replay()
        return found.events - found.gradings, found.gradings

    def plant(self, url: str, count: int) -> list[list[Any]]:
        """Plant wrong gradings: household, year, run and error of each."""
        planted = plant_errors(self._crm(url), seed=work.SEED, count=count)
        return [[one.household, one.year, one.run, one.error] for one in planted]

    def gather(
        self, url: str, households: int, year: int, known: str, engine: str = "events"
    ) -> float:
        """Facts and evidence of a year, of everybody, as a grading freezes them."""
        crm = self._crm(url)
        facts = crm.gradings.engine(engine)
        window = Period.of_year(year)
        credit = shipped().find(CreditPolicy, DEFAULT_CREDIT, window.end)
        ask = Ask(
            window, crm.gradings.cutoff(datetime.fromisoformat(known)), credit, _reading(window)
        )
        gc.collect()
        started = perf_counter()
        count = sum(1 for _ in facts.gather(ask))
        seconds = perf_counter() - started
        assert 0.9 * households < count <= households
        return seconds

    def replay(
        self, url: str, planted: list[list[Any]], engine: str = "events", **how: Any
    ) -> float:
        """Every recorded grading decided again; what differs must be what was planted."""
        crm = self._crm(url)
        gc.collect()
        started = perf_counter()
        found = crm.replay(engine=engine, **how)
        seconds = perf_counter() - started
        differing = sorted([one.household, one.year, one.run] for one in found.differing)
        assert differing == sorted(planted), f"{differing} differ, not {planted}"
        return seconds

    def keep(self, url: str) -> dict[str, Any]:
        """Bring the kept rows up to the end of the log: seconds, events and the files."""
        tables = self._tables(url)
        started = perf_counter()
        facts, gradings = (table.files() for table in tables)
        seconds = perf_counter() - started
        return {
            "seconds": seconds,
            "events": sum(file.events for file in (*facts, *gradings)),
            "facts": [str(file.path) for file in facts],
            "gradings": [str(file.path) for file in gradings],
        }

    def copy_kept(
        self, url: str, folder: str, copies: int, households: int, runs: list[str]
    ) -> dict[str, Any]:
        """Write the kept rows of a town many times over: events, where they end and the files."""
        from contenders import copies as kept

        log = self._crm(url).log
        upto = kept.ends(log, copies)
        into = self._tables(url, kept.Copied(log, upto), Path(folder))
        events = kept.copy(self._tables(url), into, copies, households, {*runs})
        return {
            "events": events,
            "upto": upto,
            "facts": sorted(str(path) for path in Path(folder).glob("facts-*")),
            "gradings": sorted(str(path) for path in Path(folder).glob("gradings-*")),
        }

    def replay_kept(
        self, url: str, folder: str, upto: int, planted: list[list[Any]], engine: str
    ) -> float:
        """The same as `replay` over kept rows of more than the log has."""
        pinned, frames = self._crm(url).gradings.pinned, self._frames(url, folder, upto, engine)
        gc.collect()
        started = perf_counter()
        found = frames.replay(None, pinned, silent)
        seconds = perf_counter() - started
        differing = sorted([one.household, one.year, one.run] for one in found.differing)
        assert differing == sorted(planted), f"{differing} differ, not {planted}"
        return seconds

    def rows_kept(
        self, url: str, folder: str, upto: int, engine: str, year: int, known: str
    ) -> str:
        """A digest of facts and evidence of a year, of everybody."""
        window = Period.of_year(year)
        credit = shipped().find(CreditPolicy, DEFAULT_CREDIT, window.end)
        ask = Ask(window, Cutoff(upto, datetime.fromisoformat(known)), credit, _reading(window))
        digest = sha256()
        for row in self._frames(url, folder, upto, engine).gather(ask):
            digest.update(repr(row).encode())
        return digest.hexdigest()

    def _tables(self, url: str, log: Any = None, folder: Path | None = None) -> list[Any]:
        """Kept facts and kept gradings: those of the log, or of another one in another folder."""
        from crm_adapters.frames.kept import Kept
        from crm_adapters.frames.shapes import FactsShape, GradingsShape

        crm = self._crm(url)
        folder = folder or Path(url.removeprefix("sqlite:///") + ".facts")
        shapes = (FactsShape(), GradingsShape(crm.gradings.pinned))
        return [Kept(log or crm.log, shape, folder) for shape in shapes]

    def _frames(self, url: str, folder: str, upto: int, engine: str) -> FramesEngine:
        from contenders.copies import Copied

        key = (folder, engine)
        if key not in self._engines:
            log: Any = Copied(self._crm(url).log, upto)
            self._engines[key] = FramesEngine(engine, log, ZONE, Path(folder))
        return self._engines[key]

    def peak(self) -> float:
        """The most memory this process ever held, in megabytes."""
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1024**2

    def verify(self, url: str, root: bool) -> float:
        """Verify the whole log."""
        log: Any = self._crm(url).log
        started = perf_counter()
        found = log.verify(root=root)
        seconds = perf_counter() - started
        assert found.intact
        return seconds

    def seal(self, file: str, count: int) -> tuple[float, float]:
        """Seal and open a field, keys cached and in a file: seconds of one of each."""
        if file not in self._vaults:
            self._vaults[file] = LocalVault(Path(file))
        vault = self._vaults[file]
        place, value = Place("household/V00001", 1, "name"), Personal("V00001#owner", "王小明")
        sealed = vault.seal(value, place)
        vault.flush()
        started = perf_counter()
        for _ in range(count):
            vault.seal(value, place)
        between = perf_counter()
        for _ in range(count):
            vault.open(sealed, place)
        return (between - started) / count, (perf_counter() - between) / count

    def close(self, url: str) -> None:
        """Close a log."""
        self._opened.pop(url).close()

    def close_all(self) -> None:
        for engine in self._engines.values():
            engine.close()
        self._engines.clear()
        for url in list(self._opened):
            self.close(url)

    def _crm(self, url: str) -> CRM:
        if url not in self._opened:
            self._opened[url] = open_crm(url, create=True)
        return self._opened[url]

    def _number(self) -> int:
        self._next += 1
        return self._next

    def _tips(self, log: Any, numbers: range) -> list[Tip]:
        streams = [ACCOUNT.stream(work.household(number)) for number in numbers]
        found = log.tips(streams)
        return [found[stream] for stream in streams]


def _reading(window: Period) -> Reading:
    return shipped().find(Reading, DEFAULT_READING, window.end)


def _append_all(log: Any, tasks: list[list[Commit]]) -> None:
    for commits in tasks:
        log.append(commits)


TOWN_BLOCK = 2000
"""Households whose facts stand in the log in the order in which they were known."""

RECEIVED = datetime(2024, 1, 2, 1, 0, tzinfo=UTC)


def _received(number: int, due: int) -> Planned:
    at = RECEIVED if number < due else RECEIVED + timedelta(days=1)
    command = ReceiveRequest(
        f"R{number}", "", "phone", "repair", "engineering", "general", "", at, "S1", "hall"
    )
    return Planned(command, f"receive:{number}", at)


YEAR_DAYS = 365


def _household(number: int) -> tuple[Planned, ...]:
    """The file of a household, a request of it and a bill."""
    who, day = work.household(number), timedelta(days=number % YEAR_DAYS)
    at = RECEIVED + day
    file = RegisterHousehold(
        household=who, estate="E", building="1", unit="1", room=f"{number}", kind="person"
    )
    charge = RaiseCharge(
        household=who,
        charge="C1",
        kind="management_fee",
        period="2024",
        amount_fen=100_00,
        due=at.date(),
    )
    request = ReceiveRequest(
        f"R{number}", who, "phone", "repair", "engineering", "general", "", at, "S1", "hall"
    )
    named = {"file": file, "request": request, "charge": charge}
    return tuple(
        Planned(command, f"{what}:{number}", RECEIVED - timedelta(days=1))
        for what, command in named.items()
    )


HISTORY_DAYS = 3650
HISTORY_BEGINS = RECEIVED - timedelta(days=HISTORY_DAYS)
HISTORY_ENDS = RECEIVED + timedelta(days=20)


def _registered(number: int) -> Planned:
    who = work.household(number)
    file = RegisterHousehold(
        household=who, estate="E", building="1", unit="1", room=f"{number}", kind="person"
    )
    return Planned(file, f"file:{number}", HISTORY_BEGINS - timedelta(days=60))


def _history(number: int, charges: int, owing: bool) -> Commit:
    """Charges three weeks before they fall due, each paid five days after that."""
    who = work.household(number)
    told: list[tuple[Any, datetime]] = []
    for nth in range(charges):
        due = HISTORY_BEGINS + timedelta(days=nth * HISTORY_DAYS // charges)
        day, paid = due.date(), due + timedelta(days=5)
        raised = ChargeRaised(f"C{nth}", "management_fee", f"{day:%Y-%m}", 100_00, day, None)
        told.append((raised, due - timedelta(days=21)))
        if nth or not owing:
            money = PaymentReceived(
                payment=f"P{nth}",
                amount_fen=100_00,
                paid_on=paid.date(),
                method="transfer",
                charge=f"C{nth}",
                parts=(),
                payer=None,
            )
            told.append((money, paid))
    command = work.command_id(number)
    events = tuple(
        _envelope(command, nth, event, at.date(), at)
        for nth, (event, at) in enumerate(sorted(told, key=lambda one: one[1]))
    )
    append = StreamAppend(ACCOUNT.stream(who), Tip(), who, events)
    return Commit(command, work.digest(number), (append,))


def town(households: int) -> Town:
    """The town of that many households: three years, eleven facts a year and a grading."""
    return Town(seed=work.SEED, households=households, block=TOWN_BLOCK)


def commit(number: int, batch: int) -> Commit:
    """One command that appends so many payments to a new account."""
    command = work.command_id(number)
    events = tuple(
        _envelope(command, nth, received(fact), fact.paid_on, fact.recorded)
        for nth, fact in enumerate(work.payments(number, batch))
    )
    who = work.household(number)
    append = StreamAppend(ACCOUNT.stream(who), Tip(), who, events)
    return Commit(command, work.digest(number), (append,))


def account_event(account: int, number: int) -> tuple[Any, Any, Any]:
    """An account's events: charges and payments in turn."""
    if number % 2:
        raised = work.charge(account, number // 2)
        return ChargeRaised(*raised[:5], None), raised.due, raised.recorded
    fact = work.payment(account, number // 2)
    return received(fact), fact.paid_on, fact.recorded


def received(fact: work.Payment) -> PaymentReceived:
    """The payment as an event of this library; household and actor stand around it."""
    return PaymentReceived(
        fact.payment, fact.amount_fen, fact.paid_on, fact.method, fact.charge, (), None
    )


def _unchained(
    _previous: str, _stream: str, _version: int, _name: str, event: bytes, household: str
) -> tuple[str, str]:
    """The stored text with a constant where the digest stands: what appending costs without."""
    text = f'{{"digest":"{GENESIS}","event":{event.decode()},"household":"{household}"}}'
    return GENESIS, text


def _envelope(command: str, nth: int, event: Any, effective: Any, recorded: Any) -> Envelope[Any]:
    day = effective or local_date(recorded, ZONE)
    return Envelope(work.ACTOR, command, event, day, recorded, nth)
