"""The generated estate: the same bytes from the same seed, whole references, a plausible shape."""

import csv
import hashlib
import re
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_adapters import open_crm
from crm_adapters.files.generate import generate_estate
from crm_adapters.files.importing import import_files
from crm_core import Actor

FILES = ("households", "charges", "payments", "purchases", "requests")
KEYS = {
    "households": "household",
    "charges": "charge",
    "payments": "payment",
    "purchases": "purchase",
    "requests": "request",
}
COLUMNS = {
    "households": "household,estate,building,unit,room,kind,owner,phone,moved_in",
    "charges": "charge,household,kind,period,amount,due,recorded",
    "payments": "payment,household,amount,paid_on,method,charge,recorded",
    "purchases": "purchase,household,service,amount,purchased_on,recorded",
    "requests": (
        "request,household,channel,kind,trade,severity,summary,received_at,due_at,closed_at"
    ),
}

GOLDEN = {
    "households.csv": "ce3ec5e7ab551fd023dab11cc84135030b88c1d14d4c8a86f6018a80a337621e",
    "charges.csv": "331079fc18026c4783896d3fceef382429b9548e66bb435bf3e73fc4a447758d",
    "payments.csv": "43401ad7cfcf7c979dfb2f02824d309b5469edb27c4fe0f5826cd97ac7a5f535",
    "purchases.csv": "31f5830b81a2f3fa2b45fc2f55ed2f28a8320d476924437d64446b59998b2950",
    "requests.csv": "64e7351fb686148d09f57e9b84e25e924657fb90bb0be315b2b60361410118c2",
}

HOST = Actor("tester", "host")

Rows = list[dict[str, str]]
Estate = dict[str, Rows]


def generated(folder: Path, households: int, first_year: int, last_year: int, seed: int) -> Path:
    """Generate into the folder and return it."""
    generate_estate(
        folder, households=households, first_year=first_year, last_year=last_year, seed=seed
    )
    return folder


def digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file in a folder."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.iterdir())
    }


def read(folder: Path) -> Estate:
    """Read the five files."""
    estate = {}
    for name in FILES:
        with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file, strict=True)
            estate[name] = list(rows)
            assert ",".join(rows.fieldnames or ()) == COLUMNS[name]
    return estate


def fen(amount: str) -> int:
    """Read an amount in yuan with exactly two decimals."""
    assert re.fullmatch(r"-?[0-9]+\.[0-9]{2}", amount)
    return int(amount.replace(".", ""))


def recorded_on(instant: str) -> date:
    """Return the day of an instant, which must state the estate's offset."""
    moment = datetime.fromisoformat(instant)
    assert moment.utcoffset() == timedelta(hours=8)
    return moment.date()


def check_keys_and_references(estate: Estate) -> None:
    """Assert that keys are unique and that rows refer to rows that exist."""
    for name, key in KEYS.items():
        keys = [row[key] for row in estate[name]]
        assert len(set(keys)) == len(keys)
        assert all(keys)
    households = {row["household"] for row in estate["households"]}
    for name in FILES[1:]:
        assert {row["household"] for row in estate[name]} <= households
    charged = {row["charge"]: row["household"] for row in estate["charges"]}
    for payment in estate["payments"]:
        if payment["charge"]:
            assert charged[payment["charge"]] == payment["household"]
    rooms = [
        (row["estate"], row["building"], row["unit"], row["room"]) for row in estate["households"]
    ]
    assert len(set(rooms)) == len(rooms)
    assert len({row["phone"] for row in estate["households"]}) == len(rooms)


def check_dates(estate: Estate, first_year: int, last_year: int) -> None:
    """Assert that facts lie in the years asked for and are recorded when they can be known."""
    first, last = date(first_year, 1, 1), date(last_year, 12, 31)
    moved_in = {
        row["household"]: date.fromisoformat(row["moved_in"]) for row in estate["households"]
    }
    for charge in estate["charges"]:
        due, recorded = date.fromisoformat(charge["due"]), recorded_on(charge["recorded"])
        assert first <= due <= last
        assert due.day == 1
        assert timedelta(days=19) <= due - recorded <= timedelta(days=23)
        assert recorded > moved_in[charge["household"]]
    for payment in estate["payments"]:
        paid, recorded = date.fromisoformat(payment["paid_on"]), recorded_on(payment["recorded"])
        assert first <= paid <= last
        assert paid > moved_in[payment["household"]]
        assert recorded == paid + timedelta(days=1) or (
            paid.month == 12 and (recorded.year, recorded.month) == (paid.year + 1, 1)
        )
    for purchase in estate["purchases"]:
        bought = date.fromisoformat(purchase["purchased_on"])
        assert max(first, moved_in[purchase["household"]]) <= bought <= last
        assert recorded_on(purchase["recorded"]) == bought
    for request in estate["requests"]:
        received = recorded_on(request["received_at"])
        assert max(first, moved_in[request["household"]]) <= received <= last
        for later in ("due_at", "closed_at"):
            if request[later]:
                assert datetime.fromisoformat(request[later]) > datetime.fromisoformat(
                    request["received_at"]
                )
        if request["closed_at"]:
            assert recorded_on(request["closed_at"]) <= last


def credit_on(day: date, estate: Estate) -> dict[str, str]:
    """Grade every household that was charged in the year of a day (rules PAY-02 and PAY-04)."""
    charges: dict[str, list[tuple[date, str, int]]] = defaultdict(list)
    for row in estate["charges"]:
        due = date.fromisoformat(row["due"])
        if due <= day:
            charges[row["household"]].append((due, row["charge"], fen(row["amount"])))
    paid: Counter[str] = Counter()
    for row in estate["payments"]:
        if date.fromisoformat(row["paid_on"]) <= day:
            # A charge's number where one is named, else the household's pool.
            paid[row["charge"] or row["household"]] += fen(row["amount"])
    return {
        household: grade_after(overdue_days(day, dues, paid, paid[household]))
        for household, dues in charges.items()
        if any(due.year == day.year for due, _, _ in dues)
    }


def overdue_days(
    day: date, dues: list[tuple[date, str, int]], named: Counter[str], pool: int
) -> int:
    """Return the days since the oldest unpaid due date: named payments first, then the pool."""
    pool += sum(max(named[charge] - amount, 0) for _, charge, amount in dues)
    for due, charge, amount in sorted(dues):
        pool -= max(amount - named[charge], 0)
        if pool < 0:
            return (day - due).days
    return 0


def grade_after(days: int) -> str:
    """Return the credit grade after so many overdue days."""
    limits = ((0, "A"), (30, "B1"), (90, "B2"), (180, "B3"), (365, "B4"))
    return next((grade for limit, grade in limits if days <= limit), "B5")


def shares(grades: dict[str, str]) -> dict[str, float]:
    """Return the share of each grade in per cent."""
    counts = Counter(grades.values())
    return {grade: 100 * count / len(grades) for grade, count in counts.items()}


@pytest.fixture(scope="module")
def one_year(tmp_path_factory: pytest.TempPathFactory) -> Estate:
    """Return the estate of the demo's size: 2,000 households in one year."""
    return read(generated(tmp_path_factory.mktemp("one"), 2_000, 2024, 2024, 1))


@pytest.fixture(scope="module")
def two_years(tmp_path_factory: pytest.TempPathFactory) -> Estate:
    """Return 2,000 households in two years."""
    return read(generated(tmp_path_factory.mktemp("two"), 2_000, 2023, 2024, 7))


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    """Neither the folder nor what was generated before makes a difference."""
    first = digests(generated(tmp_path / "first", 60, 2022, 2024, 5))
    generated(tmp_path / "between", 3, 2024, 2024, 6)
    assert digests(generated(tmp_path / "second", 60, 2022, 2024, 5)) == first
    assert sorted(first) == sorted(f"{name}.csv" for name in FILES)


def test_every_python_writes_these_bytes(tmp_path: Path) -> None:
    """The bytes of one small estate are pinned; another Python or machine writes them too.

    A deliberate change to the generator changes them: put the new digests here.
    """
    assert digests(generated(tmp_path, 25, 2023, 2024, 20_241_231)) == GOLDEN


@pytest.mark.parametrize("other", [2, -1, 0, 10**30])
def test_another_seed_writes_another_estate(tmp_path: Path, other: int) -> None:
    """Every file differs, also where `random.Random` would take two seeds for the same."""
    one = digests(generated(tmp_path / "one", 40, 2024, 2024, 1))
    two = digests(generated(tmp_path / "two", 40, 2024, 2024, other))
    assert all(one[name] != two[name] for name in one)


def test_files_are_plain_utf8_with_bare_line_ends(tmp_path: Path) -> None:
    """No byte order mark, no carriage return, a line end at the end."""
    for path in generated(tmp_path, 10, 2024, 2024, 1).iterdir():
        content = path.read_bytes()
        assert content.decode("utf-8")[0] != "\ufeff"
        assert b"\r" not in content
        assert content.endswith(b"\n")


def test_rows_and_progress_are_reported(tmp_path: Path) -> None:
    """The result counts the rows of each file, and the last progress is the whole."""
    seen: list[tuple[int, int]] = []
    rows = generate_estate(
        tmp_path,
        households=450,
        first_year=2024,
        last_year=2024,
        seed=1,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert rows == {name: len(found) for name, found in read(tmp_path).items()}
    assert seen == [(200, 450), (400, 450), (450, 450)]


def test_keys_are_unique_and_references_hold(one_year: Estate, two_years: Estate) -> None:
    """Numbers, rooms and telephones come once; what is named exists."""
    check_keys_and_references(one_year)
    check_keys_and_references(two_years)


def test_dates_are_plausible(one_year: Estate, two_years: Estate) -> None:
    """Nothing is recorded before it happened, except bills, which go out before they are due."""
    check_dates(one_year, 2024, 2024)
    check_dates(two_years, 2023, 2024)


def test_amounts_have_two_decimals_and_only_refunds_are_negative(two_years: Estate) -> None:
    """A refund follows a purchase of the same service and never exceeds it."""
    for name in ("charges", "payments"):
        assert all(fen(row["amount"]) > 0 for row in two_years[name])
    bought: Counter[tuple[str, str]] = Counter()
    for row in two_years["purchases"]:
        assert fen(row["amount"]) != 0
        bought[row["household"], row["service"]] += fen(row["amount"])
    assert min(bought.values()) >= 0
    refunds = sum(row["amount"].startswith("-") for row in two_years["purchases"])
    assert 0.02 <= refunds / len(two_years["purchases"]) <= 0.04


def test_households_are_of_several_estates_and_clearly_invented(one_year: Estate) -> None:
    """Eleven digits that nobody's telephone has; a few companies among the persons."""
    households = one_year["households"]
    assert households[0]["household"] == "H00001"
    assert len({row["estate"] for row in households}) == 5
    assert all(re.fullmatch(r"111[0-9]{8}", row["phone"]) for row in households)
    companies = [row for row in households if row["kind"] == "company"]
    assert 0.02 <= len(companies) / len(households) <= 0.04
    assert all(row["owner"].endswith("有限公司") for row in companies)
    moving = sum(row["moved_in"] >= "2024" for row in households)
    assert 0.01 <= moving / len(households) <= 0.03


def test_credit_of_one_year_has_the_stated_mix(one_year: Estate) -> None:
    """About 75 to 80 of 100 owe nothing, and a year is too short for the worst grade."""
    mix = shares(credit_on(date(2024, 12, 31), one_year))
    assert 75 <= mix["A"] <= 80
    assert 7 <= mix["B1"] <= 14
    assert all(0.5 <= mix[grade] <= 8 for grade in ("B2", "B3", "B4"))
    assert "B5" not in mix


def test_credit_of_two_years_reaches_the_worst_grade(two_years: Estate) -> None:
    """The mix holds at each year's end; who stopped paying long ago is at the worst grade."""
    first = shares(credit_on(date(2023, 12, 31), two_years))
    second = shares(credit_on(date(2024, 12, 31), two_years))
    assert 75 <= first["A"] <= 80
    assert 75 <= second["A"] <= 80
    assert "B5" not in first
    assert 0.5 <= second["B5"] <= 4


def test_payments_show_every_behaviour(one_year: Estate) -> None:
    """Named and unnamed, part and advance payments, late bookings, all methods."""
    payments = one_year["payments"]
    fees = {
        row["household"]: fen(row["amount"])
        for row in one_year["charges"]
        if row["kind"] == "management_fee"
    }
    named = sum(bool(row["charge"]) for row in payments) / len(payments)
    assert 0.15 <= named <= 0.40
    assert {row["method"] for row in payments} == {"wechat", "alipay", "transfer", "cash"}
    assert any(fen(row["amount"]) == fees[row["household"]] // 2 for row in payments)
    assert any(fen(row["amount"]) == fees[row["household"]] * 12 for row in payments)
    late = sum(row["recorded"] >= "2025-01-02" for row in payments)
    assert 10 <= late <= 150


def test_purchases_are_heavy_tailed(one_year: Estate, two_years: Estate) -> None:
    """One in a hundred households reaches 16,000 to 20,000, ten to nineteen 8,000 to 10,000."""
    for estate, year in ((one_year, "2024"), (two_years, "2023"), (two_years, "2024")):
        total: Counter[str] = Counter()
        for row in estate["purchases"]:
            if row["purchased_on"].startswith(year):
                total[row["household"]] += fen(row["amount"])

        share = share_reaching(total, len(estate["households"]))
        assert 0.5 <= share(20_000) <= share(16_000) <= 2.5
        assert 8 <= share(10_000) <= share(8_000) <= 19
        assert 50 <= share(1) <= 65
        assert max(total.values()) >= 4_000_000


def share_reaching(total: Counter[str], households: int) -> Callable[[int], float]:
    """Return a function from yuan to the per cent of households that reach them."""
    return lambda yuan: 100 * sum(fen >= yuan * 100 for fen in total.values()) / households


def test_requests_have_the_stated_shape(one_year: Estate) -> None:
    """Mostly repairs, few major ones, most closed, some late, some open at the end."""
    requests = one_year["requests"]
    per_household = len(requests) / len(one_year["households"])
    assert 3 <= per_household <= 5

    def percent(column: str, value: str) -> float:
        return 100 * sum(row[column] == value for row in requests) / len(requests)

    assert 74 <= percent("kind", "repair") <= 81
    assert {row["kind"] for row in requests} == {
        "repair",
        "complaint",
        "suggestion",
        "enquiry",
        "praise",
    }
    assert 1 <= percent("severity", "major") <= 3
    assert percent("channel", "phone") > 35
    assert {row["channel"] for row in requests} == {
        "phone",
        "app",
        "wechat",
        "counter",
        "home_visit",
    }
    assert 10 <= percent("due_at", "") <= 25
    assert 1 <= percent("closed_at", "") <= 6
    timed = [row for row in requests if row["due_at"] and row["closed_at"]]
    breached = sum(row["closed_at"] > row["due_at"] for row in timed) / len(timed)
    assert 0.12 <= breached <= 0.22
    assert all(re.fullmatch(r"[\u4e00-\u9fff]{4,12}", row["summary"]) for row in requests)


@settings(max_examples=40, deadline=None)
@given(
    households=st.integers(1, 12),
    first_year=st.integers(1990, 2100),
    more_years=st.integers(0, 3),
    seed=st.integers(),
)
def test_any_small_estate_parses_and_holds_together(
    households: int, first_year: int, more_years: int, seed: int
) -> None:
    """Whatever is asked for in range, the files parse, keys and references hold, dates fit."""
    last_year = min(first_year + more_years, 2100)
    with tempfile.TemporaryDirectory() as folder:
        estate = read(generated(Path(folder), households, first_year, last_year, seed))
    assert len(estate["households"]) == households
    check_keys_and_references(estate)
    check_dates(estate, first_year, last_year)
    for name in ("charges", "payments", "purchases"):
        assert all(fen(row["amount"]) for row in estate[name])


@pytest.mark.parametrize(
    ("households", "first_year", "last_year", "message"),
    [
        (0, 2024, 2024, "households must be at least 1, not `0`"),
        (-5, 2024, 2024, "households must be at least 1, not `-5`"),
        (1, 2024, 2023, "last year `2023` is before first year `2024`"),
        (1, 1989, 2024, "year must be between 1990 and 2100, not `1989`"),
        (1, 2024, 2101, "year must be between 1990 and 2100, not `2101`"),
    ],
)
def test_what_cannot_be_generated_is_refused(
    tmp_path: Path, households: int, first_year: int, last_year: int, message: str
) -> None:
    """The refusal says what is wrong and leaves no folder behind."""
    folder = tmp_path / "estate"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        generated(folder, households, first_year, last_year, 1)
    assert not folder.exists()


def test_an_interrupted_run_leaves_the_folder_as_it_was(tmp_path: Path) -> None:
    """An earlier estate stays whole, and no half file remains."""
    before = digests(generated(tmp_path, 5, 2024, 2024, 1))

    def interrupt(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate_estate(
            tmp_path,
            households=500,
            first_year=2024,
            last_year=2024,
            seed=2,
            progress=interrupt,
        )
    assert digests(tmp_path) == before


# --- irregular estates ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def irregular(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of an estate in which households change hands."""
    folder = tmp_path_factory.mktemp("irregular")
    generate_estate(
        folder, households=1_000, first_year=2023, last_year=2024, seed=1, irregular=True
    )
    return folder


def rows_of(folder: Path, name: str) -> Rows:
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


@pytest.mark.rule("PAY-01", "PAY-16")
@pytest.mark.case("K24", "K27")
def test_every_irregularity_touches_more_than_one_household_of_a_hundred(irregular: Path) -> None:
    """Sales, some of them twice and some known late, co-owners, tenants, odd bills and payments."""
    transfers = rows_of(irregular, "transfers")
    charges, payments = rows_of(irregular, "charges"), rows_of(irregular, "payments")
    numbers = Counter((row["household"], row["payment"]) for row in payments)
    bought = Counter(
        r["household"] for r in transfers if "#buyer" in r["member"] and not r["until"]
    )
    late = {
        row["household"]
        for row in transfers
        if "#buyer" in row["member"]
        and row["recorded"]
        and recorded_on(row["recorded"]) > date.fromisoformat(row["since"]) + timedelta(days=30)
    }
    touched = {
        "sold": set(bought),
        "known late": late,
        "co-owner": {r["household"] for r in transfers if r["role"] == "co_owner"},
        "tenant": {r["household"] for r in transfers if r["role"] == "tenant"},
        "a bill of nothing": {r["household"] for r in charges if r["amount"] == "0.00"},
        "a negative bill": {r["household"] for r in charges if r["corrects"]},
        "another debtor": {r["household"] for r in charges if r["debtor"]},
        "several bills at once": {
            household for (household, _), rows in numbers.items() if rows > 1
        },
        "a payer by name": {r["household"] for r in payments if r["payer"]},
    }
    assert {what for what, where in touched.items() if len(where) <= 10} == set()
    assert any(times == 2 for times in bought.values()), "one household changes hands twice"
    assert all(r["amount"].startswith("-") == bool(r["corrects"]) for r in charges)


@pytest.mark.rule("IMP-01", "GRD-08")
def test_an_irregular_estate_is_imported_once_graded_and_replayed(tmp_path: Path) -> None:
    """Nothing of it is a fault, none of it is new a second time, and its grades come again."""
    generate_estate(
        tmp_path, households=120, first_year=2023, last_year=2024, seed=3, irregular=True
    )
    with open_crm("memory:") as crm:
        report = import_files(crm, [tmp_path], by=HOST)
        assert report.faults == []
        again = import_files(crm, [tmp_path], by=HOST)
        assert (again.faults, again.events) == ([], 0)
        assert all(file.repeated == file.rows for file in again.files.values())
        crm.grade(2024)
        assert not crm.replay(2024).differing


def test_an_irregular_estate_is_the_same_every_time_and_a_regular_one_has_none_of_it(
    tmp_path: Path,
) -> None:
    for name, irregular in (("one", True), ("two", True), ("three", False)):
        generate_estate(
            tmp_path / name, households=30, first_year=2024, last_year=2024, seed=5,
            irregular=irregular,
        )  # fmt: skip
    assert digests(tmp_path / "one") == digests(tmp_path / "two")
    assert not (tmp_path / "three" / "transfers.csv").exists()
    for name in ("households", "purchases"):
        same = [(tmp_path / where / f"{name}.csv").read_bytes() for where in ("one", "three")]
        assert same[0] == same[1]
