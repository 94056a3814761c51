"""The HTML report: what it says is what the run says, for everybody, and nothing personal."""

from __future__ import annotations

import csv
import io
import os
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from attrs import define, evolve, fields
from pypdf import PageObject, PdfReader

from crm_adapters.files.generate import generate_estate
from crm_adapters.files.importing import import_files
from crm_adapters.reports import figures, graded
from crm_adapters.reports.html import render_report, write_report
from crm_adapters.reports.speech import LANGUAGES, duration, known
from crm_adapters.wiring import open_crm
from crm_core.application.gradings import GradingRun
from crm_core.application.reporting.model import (
    GRADED_MAX,
    MOVED_MAX,
    Graded,
    Rows,
    YearReport,
)
from crm_core.crm import CRM
from crm_core.errors import Invalid
from crm_core.gradings.criteria import AWAITING
from crm_core.gradings.facts import Facts
from crm_core.gradings.policy import GRADES, INSUFFICIENT, TYPES, GradingPolicy
from crm_core.gradings.policy import LAYERS as GRADED_LAYERS
from crm_core.gradings.review import STATUSES
from crm_core.gradings.words import layer_name, status_name, type_name
from crm_core.kernel.access import REASONS
from crm_core.kernel.dates import zone
from crm_core.kernel.recorded import STAFF_ROLES, Actor
from crm_core.kernel.rules import Operator
from crm_core.kernel.sentences import LANGS, Lang
from crm_core.kernel.trades import TRADES
from crm_core.kernel.word import Word
from crm_core.kernel.yuan import yuan_from_fen, yuan_shown
from crm_core.owners.commands import RecordInterest, owner_id
from crm_core.requests.commands import KINDS
from crm_core.visits.policy import DEFAULT_VISITS, METHODS, VisitPolicy
from reports.pages import Browser, Node, Page, a_browser, fen, number, read

HOST = Actor("wang", "host")
HOUSEHOLDS = 260
NOW = datetime(2026, 7, 1, 2, 0, tzinfo=UTC)
LAYERS = (*GRADED_LAYERS, INSUFFICIENT)
CANARY_NAME = "金丝雀欧阳测试"
CANARY_PHONE = "11198765432"
HOSTILE = """<script>alert("x")</script><img src=x onerror=alert('y')>&{total}"""

CJK = re.compile(r"[\u3400-\u9fff]")
LATIN = re.compile(r"[A-Za-z]{2}")

# --- data ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of an estate; one owner's name and telephone number occur nowhere else."""
    folder = tmp_path_factory.mktemp("estate")
    generate_estate(folder, households=HOUSEHOLDS, first_year=2023, last_year=2024, seed=5)
    path = folder / "households.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    rows[0] |= {"owner": CANARY_NAME, "phone": CANARY_PHONE}
    for row in rows:
        if row["estate"] == rows[0]["estate"]:
            row["estate"] = HOSTILE
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return folder


@define
class Estate:
    """A log with two years graded."""

    crm: CRM
    before: GradingRun
    run: GradingRun

    @property
    def report(self) -> YearReport:
        return report_of(self.crm, self.run)

    def page(self, lang: Lang = "en") -> Page:
        return read(render_report(self.crm, self.report, lang))


def report_of(crm: CRM, run: GradingRun) -> YearReport:
    return crm.reports.year(run.year, run=run.run, now=NOW, by=HOST)


def with_run(report: YearReport, run: GradingRun) -> YearReport:
    """As if it were of other gradings."""
    assert isinstance(report.graded, Graded)
    return evolve(report, graded=evolve(report.graded, run=run, listed=run.gradings[:GRADED_MAX]))


def an_estate(folder: Path, url: str = "memory:") -> Estate:
    crm = open_crm(url, create=True)
    report = import_files(crm, [folder], by=HOST)
    assert not report.faults
    return Estate(crm, crm.grade(2023), crm.grade(2024))


@pytest.fixture(scope="module")
def estate(folder: Path) -> Iterator[Estate]:
    """The estate in memory."""
    made = an_estate(folder)
    with made.crm:
        yield made


@pytest.fixture(scope="module")
def page(estate: Estate) -> Page:
    """Its report."""
    return estate.page()


# --- what it says -------------------------------------------------------------------------------


def test_counts_are_those_of_the_run(estate: Estate, page: Page) -> None:
    """Layers, types and credit grades on the page are counted right, zeros included."""
    gradings = estate.run.gradings
    assert number(page.root.one("total").text()) == len(gradings) == HOUSEHOLDS
    layers = Counter(g.outcome.layer for g in gradings)
    assert page.counts("by-layer") == {layer: layers[layer] for layer in LAYERS}
    types = Counter(g.outcome.type for g in gradings)
    assert page.counts("by-type") == {type: types[type] for type in TYPES}
    credit = Counter(g.facts.credit for g in gradings)
    assert page.counts("by-credit") == {
        **{grade: credit[grade] for grade in GRADES.values},
        "total": len(gradings),
    }
    assert number(page.root.one("owing-homes").text()) == len(gradings) - credit["A"]
    waiting = sum(1 for g in gradings if g.outcome.status == AWAITING)
    assert number(page.root.one("awaiting").text()) == waiting > 0


def test_shares_are_of_all_households(estate: Estate, page: Page) -> None:
    """A share is the count over all households, to a tenth of a percent; the bar is as long."""
    for key, (count, share, _) in page.rows("by-layer").items():
        exact = number(count) * 100 / HOUSEHOLDS
        assert abs(float(share.removesuffix(" %")) - exact) <= 0.05, key
    for row in page.root.one("by-type").all("tr"):
        if "data-key" in row.attrs:
            households = number(next(row.all("td")).text())
            bar = next(row.classed("fill"))
            width = float(str(bar.attrs["width"]))
            assert width == pytest.approx(
                max(households * 100 / HOUSEHOLDS, figures.BAR_MIN), abs=0.01
            )


def test_arrears_add_up(estate: Estate, page: Page) -> None:
    """The yuan overdue of each credit grade are those of its households, and so is the sum."""
    owed: Counter[str] = Counter()
    for grading in estate.run.gradings:
        owed[grading.facts.credit] += grading.facts.overdue_fen
    rows = page.rows("by-credit")
    for grade in GRADES.values:
        assert fen(rows[grade][1]) == owed[grade], grade
    assert fen(rows["total"][1]) == owed.total() == fen(page.root.one("overdue").text()) > 0


def test_worst_and_last_credit_of_every_household(estate: Estate, page: Page) -> None:
    """The matrix counts every household once, by its worst grade and its last one."""
    expected = Counter((g.facts.worst_credit, g.facts.credit) for g in estate.run.gradings)
    rows = page.rows("worst-and-last")
    assert list(rows) == list(GRADES.values)
    for worst, cells in rows.items():
        counts = [number(cell) for cell in cells]
        assert counts[:-1] == [expected[worst, last] for last in GRADES.values]
        assert counts[-1] == sum(counts[:-1])


def test_movement_since_the_year_before(estate: Estate, page: Page) -> None:
    """Who moved is told by what the earlier run recorded."""
    before = {g.household: g.outcome.layer for g in estate.before.gradings}
    after = {g.household: g.outcome.layer for g in estate.run.gradings}
    order = list(LAYERS)
    expected = Counter((before[h], after[h]) for h in after)
    rows = page.rows("movement-matrix")
    for layer in order:
        cells = [number(cell) for cell in rows[layer]]
        assert cells[:-2] == [expected[layer, now] for now in order]
        assert cells[-2:] == [0, sum(cells[:-2])]
    assert [number(cell) for cell in rows["new"]] == [0] * 7
    moves = page.counts("moves")
    assert moves == {
        "up": sum(n for (a, b), n in expected.items() if better(b, a)),
        "stayed": sum(n for (a, b), n in expected.items() if a == b),
        "down": sum(n for (a, b), n in expected.items() if better(a, b)),
        "other": sum(n for (a, b), n in expected.items() if a != b and "insufficient" in (a, b)),
    }
    assert sum(moves.values()) == HOUSEHOLDS
    moved = sorted(h for h in after if before[h] != after[h])
    shown = [cells[0] for cells in page.cells("moved")]
    assert shown == moved[:MOVED_MAX]
    assert estate.before.run in page.source


def better(layer: str, than: str) -> bool:
    order = ("important", "main", "ordinary", "small")
    return layer in order and than in order and order.index(layer) < order.index(than)


def test_households_that_came_and_went(estate: Estate) -> None:
    """Who is graded in one of the two years only is neither up nor down."""
    gone, new = estate.run.gradings[0], evolve(estate.run.gradings[1], household="H-new")
    run = evolve(estate.run, gradings=(*estate.run.gradings[1:], new))
    found = read(render_report(estate.crm, with_run(estate.report, run)))
    before = {g.household: g.outcome.layer for g in estate.before.gradings}
    rows = found.rows("movement-matrix")
    assert number(rows[before[gone.household]][5]) == 1
    assert number(rows["new"][list(LAYERS).index(new.outcome.layer)]) == 1
    assert sum(found.counts("moves").values()) == HOUSEHOLDS - 1


def test_no_movement_without_an_earlier_year(estate: Estate) -> None:
    """The first year graded is compared with nothing, and not with a later one."""
    found = read(render_report(estate.crm, report_of(estate.crm, estate.before)))
    sections = [node.attrs.get("aria-labelledby") for node in found.root.all("section")]
    assert "credit-movement" in sections
    assert "movement" not in sections
    assert "movement" not in {str(link.attrs["href"]).lstrip("#") for link in found.root.all("a")}


@pytest.mark.rule("GRD-17")
def test_movement_is_since_the_run_of_record_of_the_nearest_year(folder: Path) -> None:
    """Another run of the year before is a trial and counts only once a director makes it count."""
    made = an_estate(folder)
    with made.crm as crm:
        household = made.run.gradings[0].household
        said = Word(owner_id(household), "phone", "c1")
        interest = RecordInterest(household, "tutoring", made.before.gradings[0].period_end, said)
        crm.do(interest, by=Actor("a", "specialist"))
        again = crm.grade(2023)
        assert (again.run != made.before.run, again.standing) == (True, "trial")
        assert "a trial; it is not what holds" in render_report(crm, report_of(crm, again))
        source = render_report(crm, report_of(crm, made.run))
        assert made.before.run in source
        assert again.run not in source
        crm.gradings.replace(
            2023,
            again.run,
            "an interest",
            by=Actor("d", "director"),
            moves=len(crm.gradings.replacing(2023, again.run)),
        )
        source = render_report(crm, report_of(crm, made.run))
    assert again.run in source
    assert made.before.run not in source


def test_graded_list_is_by_layer_then_household(estate: Estate, page: Page) -> None:
    """The list holds the first 200 households and says how many more there are."""
    order = list(LAYERS)
    expected = sorted(
        estate.run.gradings, key=lambda g: (order.index(g.outcome.layer), g.household)
    )[:200]
    rows = page.cells("list")
    assert [row[0] for row in rows] == [g.household for g in expected]
    for cells, grading in zip(rows, expected, strict=True):
        for at, word in (
            (1, layer_name(grading.outcome.layer)),
            (3, type_name(grading.outcome.type)),
        ):
            assert cells[at].startswith(word)
        assert cells[4:6] == [grading.facts.credit, grading.facts.worst_credit]
        assert fen(cells[6]) == grading.facts.purchases_fen
        assert [number(cell) for cell in cells[7:9]] == [
            grading.facts.attention,
            grading.facts.overdue_days,
        ]
        assert fen(cells[9]) == grading.facts.overdue_fen
    assert f"{HOUSEHOLDS - 200} more households are not listed here" in page.source


def test_who_moved_says_by_which_criteria(estate: Estate, page: Page) -> None:
    """Of each the criteria for layers that were met in one of the years only, with both values."""
    rows = {cells[0]: cells[-1] for cells in page.cells("moved")}
    told = 0
    for household, why in rows.items():
        then, now = (
            {
                (one["name"], one["op"], str(one["threshold"])): one
                for one in estate.crm.explain(household, year)["criteria"]
                if one["name"].startswith("layer.")
            }
            for year in (2023, 2024)
        )
        turned = [
            (then[key], one)
            for key, one in now.items()
            if key in then and then[key]["met"] != one["met"]
        ]
        for before, after in turned[: graded.REASONS_MAX]:
            for value in (before["value"], after["value"]):
                shown = yuan_shown(value) if after["fact"].endswith("_fen") else str(value)
                assert shown in why or after["fact"] == "type", (household, after["fact"])
            told += 1
        assert turned or "a person decided" in why
    assert told > len(rows)


def test_one_household_of_each_layer_is_explained(estate: Estate, page: Page) -> None:
    """The sentences and criteria are those of `CRM.explain`, in both languages."""
    articles = list(page.root.all("article"))
    layers = {g.outcome.layer for g in estate.run.gradings}
    assert len(articles) == len(layers) >= 4
    for article in articles:
        household = next(article.all("bdi")).text()
        english, chinese = list(article.classed("said"))
        both: tuple[tuple[Node, Lang], ...] = ((english, "en"), (chinese, "zh"))
        for said, lang in both:
            expected = estate.crm.explain(household, 2024, lang=lang)
            assert [item.text() for item in said.all("li")] == expected["sentences"]
            assert said.attrs["lang"] == {"en": "en", "zh": "zh-Hans"}[lang]
        rows = list(next(article.all("tbody")).all("tr"))
        assert len(rows) == len(expected["criteria"])
        for row, criterion in zip(rows, expected["criteria"], strict=True):
            cells = [cell.text().strip() for cell in row.all("td")]
            assert cells[2] == ("yes是" if criterion["met"] else "no否")
            shown = re.match(r"[\d ]*", cells[4])
            assert shown is not None
            positions = [int(position) for position in shown[0].split()]
            assert positions == criterion["evidence"][: graded.POSITIONS_MAX]


def test_header_says_what_it_was_made_from_and_for_whom(estate: Estate, page: Page) -> None:
    """Run, policies with digests, instants of the estate's zone, position, root, who, what for."""
    header = next(page.root.all("header")).text()
    run, crm = estate.run, estate.crm
    for text in (
        run.run,
        str(run.policy),
        run.policy.digest,
        "the run of record",
        "正式批次",
        "host:wang",
        "no purpose stated",
        "2026-07-01 10:00",
        "Asia/Shanghai",
    ):
        assert text in header
    assert number(page.root.one("position").text()) == crm.log.head()
    assert page.root.one("root").text() == crm.verify().root
    assert run.cutoff.known.astimezone(zone("Asia/Shanghai")).strftime("%Y-%m-%d %H:%M") in header


@pytest.mark.rule("REQ-13")
def test_it_says_up_to_when_the_clock_was_run(folder: Path) -> None:
    """Never, where it was not; and a tick of an earlier instant does not turn it back."""
    made = an_estate(folder)
    with made.crm as crm:
        assert "never: what falls due" in page_of(made).root.one("ticked").text()
        crm.tick(datetime(2026, 6, 30, 2, tzinfo=UTC))
        assert page_of(made).root.one("ticked").text() == "2026-06-30 10:00"
        crm.tick(datetime(2026, 6, 29, 2, tzinfo=UTC))
        assert page_of(made).root.one("ticked").text() == "2026-06-30 10:00"


def page_of(made: Estate) -> Page:
    return made.page()


def test_estates_add_up(estate: Estate, page: Page) -> None:
    """Every household stands under its estate."""
    rows = [list(row.all("td")) for row in page.root.one("by-estate").all("tr")]
    counts = [[number(cell.text()) for cell in cells[:-1]] for cells in rows if cells]
    assert sum(row[0] for row in counts) == HOUSEHOLDS
    layers = Counter(g.outcome.layer for g in estate.run.gradings)
    assert [sum(column) for column in zip(*counts, strict=True)][1:] == [
        layers[layer] for layer in LAYERS
    ]


def test_a_run_without_households_is_a_page_too(estate: Estate) -> None:
    """Nothing graded is said, not divided by."""
    report = estate.report
    assert isinstance(report.graded, Graded)
    empty = evolve(
        report.graded, run=evolve(estate.run, gradings=()), listed=(), examples=(), moved=None
    )
    found = read(render_report(estate.crm, evolve(report, graded=empty)))
    assert number(found.root.one("total").text()) == 0
    assert "No household was graded" in found.source


# --- whom it is for -----------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGUAGES)
def test_page_is_well_formed(estate: Estate, lang: Lang) -> None:
    """Elements are closed where they were opened, ids are unique, links within the page lead on."""
    root = estate.page(lang).root
    ids = [node.attrs["id"] for node in root.all() if "id" in node.attrs]
    assert len(ids) == len(set(ids))
    for link in root.all("a"):
        assert str(link.attrs["href"])[1:] in ids
    for node in root.all():
        for label in str(node.attrs.get("aria-labelledby") or "").split():
            assert label in ids


def test_page_can_be_heard(page: Page) -> None:
    """Pictures have titles, tables captions and scopes, headings an order, regions a name."""
    for picture in page.root.all("svg"):
        assert picture.attrs["role"] == "img"
        assert next(picture.all("title")).text(()).strip()
    for table in page.root.all("table"):
        assert next(table.all("caption")).text().strip()
        assert {cell.attrs.get("scope") for cell in table.all("th")} <= {"col", "row"}
    levels = [int(node.tag[1]) for node in page.root.all("h1", "h2", "h3", "h4")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    for node in page.root.classed("scroll"):
        assert node.attrs["tabindex"] == "0"
        assert node.attrs["role"] == "region"
        assert node.attrs["aria-labelledby"]


SHARED = re.compile(
    r"[AB]\d|crm [a-z]+|grade-cn-default|credit-cn-default|Asia/Shanghai|host:wang|English"
    r"|[A-Z]\d{3,}[-\w]*|PAY-14|[0-9a-f]{8,}|2024-\w+|wang|--on|root"
)
"""What is the same in both languages: grades, numbers, commands, policies, digests, who acts."""


def test_whatever_is_read_is_there_in_both_languages(page: Page) -> None:
    """English is marked as English and Chinese as Chinese, and neither stands without the other."""
    for node in page.root.classed("en"):
        assert node.attrs["lang"] == "en"
        assert not CJK.search(node.text(("bdi", "title"))), node.text()
    for node in page.root.classed("zh"):
        assert node.attrs["lang"] == "zh-Hans"
    english, chinese = (len(list(page.root.classed(lang))) for lang in ("en", "zh"))
    assert english == chinese > 500


@pytest.mark.parametrize("lang", LANGUAGES)
def test_one_language_at_a_time(estate: Estate, lang: Lang) -> None:
    """What the switch leaves visible holds no word of the other, but for names and numbers."""
    page = estate.page(lang)
    assert next(page.root.all("html")).attrs["lang"] == {"en": "en", "zh": "zh-Hans"}[lang]
    body = next(page.root.all("body"))
    checked = [n.attrs["id"] for n in body.all("input") if "checked" in n.attrs]
    assert checked == [f"say-{lang}"]
    for name in list(body.all("bdi")):
        name.content.clear()
    said = body.said(lang)
    if lang == "en":
        assert CJK.findall(said.replace("中文", "")) == []
    else:
        assert LATIN.findall(SHARED.sub("", said)) == []


def test_both_first_languages_are_one_page(estate: Estate) -> None:
    """Only which is shown first differs: the switch does the rest."""
    english, chinese = (render_report(estate.crm, estate.report, lang) for lang in LANGUAGES)
    differing = [
        (one, other)
        for one, other in zip(english.splitlines(), chinese.splitlines(), strict=True)
        if one != other
    ]
    assert len(differing) == 4, "the language of the page, its title, and the two switches"


def test_another_language_is_invalid(estate: Estate) -> None:
    """A language that is not known is refused before anything is written."""
    with pytest.raises(Invalid) as caught:
        render_report(estate.crm, estate.report, "fr")  # type: ignore[arg-type]
    assert caught.value.faults[0].code == "language_unknown"


def test_every_word_is_known_in_both_languages(estate: Estate) -> None:
    """Facts, derived facts, operators, statuses, levels, roles, moves and visits all have words."""
    policy = estate.crm.policies.pinned(GradingPolicy, estate.run.policy)
    facts = {*(one.name for one in fields(Facts)), *(table.name for table in policy.tables)}
    visits = estate.crm.policies.find(VisitPolicy, DEFAULT_VISITS, estate.report.on)
    for english, chinese in (
        *map(graded.fact_word, facts),
        *(known(f"op_{one}") for one in Operator),
        *(known(f"level_{row.outcome}") for table in policy.tables[:2] for row in table.rows),
        *(known(f"role_{role}") for role in STAFF_ROLES),
        *(known(f"visit_{row}") for row in (*visits.rows, *METHODS)),
        *(known(reason) for reason in REASONS),
        *(known(f"kind_{kind}") for kind in KINDS),
        *(known(f"trade_{trade}") for trade in TRADES),
    ):
        assert LATIN.search(english)
        assert CJK.search(chinese)
    for lang in LANGS:
        assert len({status_name(status, lang) for status in STATUSES} - {*STATUSES}) == len(
            STATUSES
        )


def test_text_can_be_read_in_light_and_dark(page: Page) -> None:
    """Text stands out from its ground by 4.5 to 1 (WCAG AA), also from the darkest shade."""
    styles = next(page.root.all("style")).text(())
    blocks = re.findall(r":root \{(.*?)\}", styles, re.DOTALL)
    assert len(blocks) == 3, "light, dark, print"
    for block in blocks:
        colour = {
            name: tuple(int(value[i : i + 2], 16) for i in (0, 2, 4))
            for name, value in re.findall(r"--([\w-]+): #([0-9a-f]{6})", block)
        }
        tint = [int(part) for part in re.findall(r"--heat: (\d+), (\d+), (\d+)", block)[0]]
        for text in ("ink", "soft", "accent", "yes", "no"):
            assert contrast(colour[text], colour["paper"]) >= 4.5, text
        assert contrast(colour["soft"], colour["panel"]) >= 4.5
        darkest = max(float(a) for a in re.findall(r"rgba\(var\(--heat\), ([.\d]+)\)", styles))
        ground = tuple(
            t * darkest + p * (1 - darkest) for t, p in zip(tint, colour["paper"], strict=True)
        )
        assert contrast(colour["ink"], ground) >= 4.5


def contrast(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    def light(colour: tuple[float, ...]) -> float:
        parts = [c / 255 for c in colour]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((light(one), light(other)))
    return (high + 0.05) / (low + 0.05)


# --- what it must not do ------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGUAGES)
def test_nothing_is_fetched(estate: Estate, lang: Lang) -> None:
    """The page needs nothing but itself: no address, no script, no import, no foreign font."""
    page = estate.page(lang)
    escaped = page.source.replace("&lt;", "").lower()
    assert not re.search(r"(https?:)?//\w", escaped)
    assert not re.search(r"url\(|@import|@font-face|<script|<iframe|<object|<embed", escaped)
    for node in page.root.all():
        assert not [name for name in node.attrs if name.startswith("on")]
        for name in ("src", "href", "srcset", "action", "data", "xlink:href"):
            value = node.attrs.get(name)
            assert value is None or value.startswith("#") or value == "data:,"
    policy = next(n for n in page.root.all("meta") if "http-equiv" in n.attrs).attrs["content"]
    assert str(policy).startswith("default-src 'none'")


def test_the_same_log_run_and_instant_give_the_same_bytes(
    estate: Estate, folder: Path, tmp_path: Path
) -> None:
    """Again: byte for byte. Another store, day of import, other keys and ids: but for the root."""
    first, second = tmp_path / "first.html", tmp_path / "second.html"
    write_report(first, estate.crm, estate.report)
    write_report(second, estate.crm, estate.report)
    assert first.read_bytes() == second.read_bytes()
    other = an_estate(folder, f"sqlite:///{tmp_path / 'crm.db'}")
    with other.crm as crm:
        root = crm.verify().root
        write_report(second, crm, report_of(crm, crm.gradings.grades(2024)))
    text = second.read_text(encoding="utf-8")
    assert root in text
    mine = estate.crm.verify().root
    same = text.replace(root, mine).replace(root[:12], mine[:12])
    assert first.read_text(encoding="utf-8") == same


def test_hostile_text_is_only_text(estate: Estate) -> None:
    """Mark-up in the name of an estate or in a household's number is shown, not obeyed."""
    shown = estate.page()
    assert "<script" not in shown.source
    assert "onerror" not in {name for node in shown.root.all() for name in node.attrs}
    assert HOSTILE in [node.text() for node in shown.root.all("bdi")]
    # No import lets such a number in; another host of the core might.
    hostile = evolve(estate.run.gradings[0], household=HOSTILE)
    run = evolve(estate.run, gradings=(hostile, *estate.run.gradings[1:]))
    report = with_run(estate.report, run)
    assert report.life is not None
    assert isinstance(report.owing, Rows)
    rows = tuple(evolve(row, household=HOSTILE, tenure=HOSTILE) for row in report.owing.rows)
    report = evolve(
        report,
        life=evolve(report.life, household=HOSTILE),
        owing=evolve(report.owing, rows=rows),
        purpose=HOSTILE,
    )
    shown = read(render_report(estate.crm, report, mark=HOSTILE))
    assert "<script" not in shown.source
    assert not list(shown.root.all("img", "script"))
    assert HOSTILE in [node.text() for node in next(shown.root.all("main")).all("bdi")]
    assert sum(HOSTILE in cells for cells in shown.cells("owing")) == len(rows)
    assert HOSTILE in shown.root.one("purpose").text()
    assert any(HOSTILE in node.text() for node in shown.root.classed("mark"))


def test_nothing_personal_stands_on_the_page(estate: Estate, folder: Path) -> None:
    """No owner's name, no telephone number and no room: not the canary's, nor anybody's."""
    sources = [render_report(estate.crm, estate.report)]
    with (folder / "households.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["owner"] == CANARY_NAME
    assert rows[0]["phone"] == CANARY_PHONE
    for source in sources:
        for row in rows:
            assert not row["phone"] or row["phone"] not in source
            # Names of two characters may stand in a sentence by chance.
            assert len(row["owner"]) < 3 or row["owner"] not in source
            assert row["building"] not in source
            assert row["unit"] not in source


# --- the file -----------------------------------------------------------------------------------


def test_page_is_written_whole_or_not_at_all(
    estate: Estate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that fills up leaves the earlier page as it was, and nothing beside it."""
    target = tmp_path / "report.html"
    target.write_text("the page of last year", encoding="utf-8")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(Invalid) as caught:
            write_report(target, estate.crm, estate.report)
    assert caught.value.faults[0].code == "report_unwritable"
    assert "No space left" in caught.value.faults[0].message
    assert target.read_text(encoding="utf-8") == "the page of last year"
    write_report(target, estate.crm, estate.report)
    assert target.read_text(encoding="utf-8") == render_report(estate.crm, estate.report)
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("missing/report.html", "report_unwritable"),
        ("folder", "output_no_file"),
        ("a" * 300 + ".html", "report_unwritable"),
    ],
)
def test_a_place_that_cannot_be_written_is_invalid(
    estate: Estate, tmp_path: Path, name: str, code: str
) -> None:
    """No such folder, a folder in the way, a name too long: said with its path, no trace left."""
    (tmp_path / "folder").mkdir()
    with pytest.raises(Invalid) as caught:
        write_report(tmp_path / name, estate.crm, estate.report)
    assert caught.value.faults[0].code == code
    assert name in caught.value.faults[0].message
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
    assert not list((tmp_path / "folder").iterdir())


def test_page_stays_small(estate: Estate, page: Page) -> None:
    """A page for a whole estate can be sent by mail: the long list is cut, not the sums."""
    assert len(page.source.encode()) < 600_000


# --- in a browser -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    browser = a_browser(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def written(estate: Estate, tmp_path_factory: pytest.TempPathFactory) -> dict[Lang, Path]:
    """The page in each language, as files."""
    folder = tmp_path_factory.mktemp("pages")
    pages: dict[Lang, Path] = {lang: folder / f"{lang}.html" for lang in LANGUAGES}
    for lang, path in pages.items():
        write_report(path, estate.crm, estate.report, lang)
    return pages


UNFOLD = "document.querySelectorAll('details').forEach(d => { d.open = true })"
OVERFLOW = """
[...document.querySelectorAll('body *')]
  .filter(e => !e.closest('.scroll') || e.classList.contains('scroll'))
  .filter(e => e.getBoundingClientRect().right > document.documentElement.clientWidth + .5)
  .map(e => e.outerHTML.slice(0, 120))
"""


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_page_fits_a_telephone(
    browser: Browser, written: dict[Lang, Path], lang: Lang, dark: bool
) -> None:
    """At 400 pixels nothing reaches over the edge, folded or not; the console stays silent."""
    browser.open(written[lang], width=400, dark=dark)
    assert browser.ask("document.compatMode") == "CSS1Compat"
    for _ in range(2):
        assert browser.ask("document.documentElement.scrollWidth") <= 400
        assert browser.ask(OVERFLOW) == []
        browser.ask(UNFOLD)
    assert browser.complaints() == []
    assert {url.partition(":")[0] for url in browser.requests()} <= {"file", "data"}


def test_page_fits_a_desk(browser: Browser, written: dict[Lang, Path]) -> None:
    """At 1200 pixels no table needs to be scrolled, and bars have their colours."""
    browser.open(written["zh"], width=1200)
    browser.ask(UNFOLD)
    assert browser.ask("document.documentElement.scrollWidth") <= 1200
    assert (
        browser.ask(
            "[...document.querySelectorAll('.scroll')]"
            ".filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.outerHTML.slice(0, 120))"
        )
        == []
    )
    fills = browser.ask(
        "[...document.querySelectorAll('#by-layer .fill')].map(e => getComputedStyle(e).fill)"
    )
    assert len(set(fills)) == len(fills) == 5
    assert browser.complaints() == []


def test_paper_shows_what_is_folded(browser: Browser, written: dict[Lang, Path]) -> None:
    """Printed, the reasons are there without a click, and the long list only if it was opened."""
    visible = (
        "['.criteria', '#list', '.folded'].map(s => document.querySelector(s).checkVisibility())"
    )
    browser.open(written["zh"], width=794)
    assert browser.ask(visible) == [False, False, False]
    browser.open(written["zh"], width=794, dark=True, media="print")
    assert browser.ask(visible) == [True, False, True]
    assert browser.ask("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    for gone in ("nav", ".switch", "#say-zh"):
        assert browser.ask(f"getComputedStyle(document.querySelector('{gone}')).display") == "none"
    assert browser.ask("document.documentElement.scrollWidth") <= 794


SHOWN = """['en', 'zh'].map(lang => [...document.querySelectorAll('h2 .' + lang)]
  .filter(e => e.checkVisibility()).length)"""


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_switch_shows_the_other_language_and_paper_keeps_it(
    browser: Browser, written: dict[Lang, Path], lang: Lang
) -> None:
    """By a click or by the keyboard, without any script; what is chosen is what is printed."""
    other: Lang = "zh" if lang == "en" else "en"
    browser.open(written[lang], width=1200)
    shown = browser.ask(SHOWN)
    assert shown[LANGUAGES.index(other)] == 0
    assert shown[LANGUAGES.index(lang)] > 8
    browser.ask(f"document.querySelector('label[for=say-{other}]').click()")
    assert browser.ask(SHOWN) == shown[::-1]
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(browser.printed())).pages)
    assert ("年度报告" in text) == (other == "zh")
    assert ("Who owes most" in text) == (other == "en")
    browser.ask("document.querySelector('input:checked').focus()")
    for kind in ("keyDown", "keyUp"):
        browser.page("Input.dispatchKeyEvent", type=kind, key="ArrowLeft", code="ArrowLeft",
                     windowsVirtualKeyCode=37)  # fmt: skip
    assert browser.ask(SHOWN) == shown


@pytest.mark.parametrize("unfolded", [False, True], ids=["folded", "unfolded"])
@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_page_of_paper_is_half_empty(
    browser: Browser, written: dict[Lang, Path], lang: Lang, unfolded: bool
) -> None:
    """Every sheet but the last is filled down to its last quarter."""
    browser.open(written[lang], width=1200)
    if unfolded:
        browser.ask(UNFOLD)
    filled = [depth(page) for page in PdfReader(io.BytesIO(browser.printed())).pages]
    assert len(filled) > 5
    assert min(filled[:-1]) > 0.75, filled


def depth(page: PageObject) -> float:
    """How far down a sheet its last line stands, from 0 to 1."""
    lines: list[float] = []

    def line(text: str, at: list[float], within: list[float], *_: object) -> None:
        if text.strip():
            lines.append(at[1] * within[4] + at[3] * within[5] + at[5])

    page.extract_text(visitor_text=line)
    return 1 - min(lines) / float(page.mediabox.height)


def test_half_empty_paper_would_be_noticed(browser: Browser, tmp_path: Path) -> None:
    bad = tmp_path / "bad.html"
    bad.write_text("<p>one<p style='break-before: page'>two", encoding="utf-8")
    browser.open(bad, width=800)
    first, last = PdfReader(io.BytesIO(browser.printed())).pages
    assert depth(first) < 0.2
    assert depth(last) < 0.2


def test_the_browser_would_notice(browser: Browser, tmp_path: Path) -> None:
    """A page that is too wide and fetches something is caught: the checks above can fail."""
    bad = tmp_path / "bad.html"
    bad.write_text(
        "<!DOCTYPE html><meta name=viewport content='width=device-width'><p style='width:900px'>"
        "<script>console.error('x')</script><img src='missing.png'>",
        encoding="utf-8",
    )
    browser.open(bad, width=400)
    assert browser.ask("document.documentElement.scrollWidth") > 400
    assert browser.ask(OVERFLOW)
    assert browser.complaints()
    assert any(url.endswith("missing.png") for url in browser.requests())


def test_amounts_are_written_alike() -> None:
    """Separators are all that sets the page's amounts apart from the others'."""
    for amount in (0, 5, -5, 100, 123_456_789, -100_000):
        assert yuan_shown(amount).replace(",", "") == yuan_from_fen(amount)
    assert yuan_shown(123_456_789) == "1,234,567.89"


@pytest.mark.parametrize(
    ("seconds", "english", "chinese"),
    [
        (0, "less than a minute", "不到一分钟"),
        (60, "1 minute", "1分钟"),
        (7_260, "2 hours 1 minute", "2小时1分钟"),
        (86_400, "1 day", "1天"),
        (90_000, "1 day 1 hour", "1天1小时"),
        (86_460, "1 day", "1天"),
        (400 * 86_400, "1 year 35 days", "1年35天"),
        (730 * 86_400, "2 years", "2年"),
    ],
)
def test_durations_are_told_in_words(seconds: int, english: str, chinese: str) -> None:
    assert duration(seconds) == (english, chinese)
