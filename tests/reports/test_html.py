"""The HTML report: what it says is what the run says, for everybody, and nothing personal."""

from __future__ import annotations

import csv
import json
import os
import re
import select
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from attrs import asdict, define, evolve, field

from crm_adapters.files.generate import generate_estate
from crm_adapters.files.importing import import_files
from crm_adapters.reports import html
from crm_adapters.reports.html import render_report, write_report
from crm_adapters.wiring import open_crm
from crm_core.application.gradings import GradingRun
from crm_core.crm import CRM
from crm_core.errors import Invalid
from crm_core.gradings.criteria import AWAITING
from crm_core.gradings.policy import GRADES, INSUFFICIENT, TYPES, GradingPolicy
from crm_core.gradings.policy import LAYERS as GRADED_LAYERS
from crm_core.gradings.review import STATUSES
from crm_core.gradings.words import layer_name, status_name, type_name
from crm_core.kernel.recorded import Actor
from crm_core.kernel.rules import Operator
from crm_core.kernel.sentences import LANGS, Lang
from crm_core.kernel.word import Word
from crm_core.kernel.yuan import yuan_from_fen
from crm_core.owners.commands import RecordInterest, owner_id

HOST = Actor("wang", "host")
HOUSEHOLDS = 260
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
class Graded:
    """A log with two years graded."""

    crm: CRM
    before: GradingRun
    run: GradingRun

    def page(self, lang: str = "both") -> Page:
        return read(render_report(self.crm, self.run, lang))


def graded(folder: Path, url: str = "memory:") -> Graded:
    crm = open_crm(url, create=True)
    report = import_files(crm, [folder], by=HOST)
    assert not report.faults
    return Graded(crm, crm.grade(2023), crm.grade(2024))


@pytest.fixture(scope="module")
def estate(folder: Path) -> Iterator[Graded]:
    """The estate in memory."""
    made = graded(folder)
    with made.crm:
        yield made


@pytest.fixture(scope="module")
def page(estate: Graded) -> Page:
    """Its report in both languages."""
    return estate.page()


# --- reading a page -----------------------------------------------------------------------------

VOID = {"meta", "link", "br", "hr", "img", "input"}


@define
class Node:
    """An element, as a browser would see it."""

    tag: str
    attrs: dict[str, str | None]
    parent: Node | None = None
    content: list[Node | str] = field(factory=list)

    def all(self, *tags: str) -> Iterator[Node]:
        for part in self.content:
            if isinstance(part, Node):
                if not tags or part.tag in tags:
                    yield part
                yield from part.all(*tags)

    def one(self, id: str) -> Node:
        return next(node for node in self.all() if node.attrs.get("id") == id)

    def text(self, without: tuple[str, ...] = ("style", "title")) -> str:
        return "".join(
            part if isinstance(part, str) else part.text(without)
            for part in self.content
            if isinstance(part, str) or part.tag not in without
        )

    def classed(self, name: str) -> Iterator[Node]:
        return (node for node in self.all() if name in (node.attrs.get("class") or "").split())


@define
class Page:
    """A page and its elements."""

    source: str
    root: Node

    def rows(self, table: str) -> dict[str, list[str]]:
        """Texts of the cells of a table's rows, by the row's key."""
        return {
            str(row.attrs["data-key"]): [cell.text().strip() for cell in row.all("td")]
            for row in self.root.one(table).all("tr")
            if "data-key" in row.attrs
        }

    def counts(self, table: str) -> dict[str, int]:
        """First number of each row."""
        return {key: number(cells[0]) for key, cells in self.rows(table).items()}


class Reader(HTMLParser):
    """Builds the tree and insists on every element being closed where it was opened."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = self.at = Node("", {})

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = self._add(tag, attrs)
        if tag not in VOID:
            self.at = node

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._add(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.at.tag == tag, f"</{tag}> closes <{self.at.tag}> at {self.getpos()}"
        assert self.at.parent is not None
        self.at = self.at.parent

    def handle_data(self, data: str) -> None:
        self.at.content.append(data)

    def _add(self, tag: str, attrs: list[tuple[str, str | None]]) -> Node:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"an attribute twice at {self.getpos()}"
        node = Node(tag, dict(attrs), self.at)
        self.at.content.append(node)
        return node


def read(source: str) -> Page:
    reader = Reader()
    reader.feed(source)
    reader.close()
    assert reader.at is reader.root, f"<{reader.at.tag}> is never closed"
    return Page(source, reader.root)


def number(text: str) -> int:
    """The first whole number in a text."""
    found = re.match(r"\s*([\d,]+)", text)
    assert found, text
    return int(found[1].replace(",", ""))


def fen(text: str) -> int:
    """An amount as the page writes it, in fen."""
    found = re.match(r"\s*(-?[\d,]+)\.(\d\d)", text)
    assert found, text
    return int(found[1].replace(",", "")) * 100 + int(found[2])


# --- what it says -------------------------------------------------------------------------------


def test_counts_are_those_of_the_run(estate: Graded, page: Page) -> None:
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
    assert number(page.root.one("paid-up").text()) == credit["A"]
    waiting = sum(1 for g in gradings if g.outcome.status == AWAITING)
    assert number(page.root.one("awaiting").text()) == waiting > 0


def test_shares_are_of_all_households(estate: Graded, page: Page) -> None:
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
                max(households * 100 / HOUSEHOLDS, html.BAR_MIN), abs=0.01
            )


def test_arrears_add_up(estate: Graded, page: Page) -> None:
    """The yuan overdue of each credit grade are those of its households, and so is the sum."""
    owed: Counter[str] = Counter()
    for grading in estate.run.gradings:
        owed[grading.facts.credit] += grading.facts.overdue_fen
    rows = page.rows("by-credit")
    for grade in GRADES.values:
        assert fen(rows[grade][1]) == owed[grade], grade
    assert fen(rows["total"][1]) == owed.total() == fen(page.root.one("overdue").text()) > 0


def test_worst_and_last_credit_of_every_household(estate: Graded, page: Page) -> None:
    """The matrix counts every household once, by its worst grade and its last one."""
    expected = Counter((g.facts.worst_credit, g.facts.credit) for g in estate.run.gradings)
    rows = page.rows("worst-and-last")
    assert list(rows) == list(GRADES.values)
    for worst, cells in rows.items():
        counts = [number(cell) for cell in cells]
        assert counts[:-1] == [expected[worst, last] for last in GRADES.values]
        assert counts[-1] == sum(counts[:-1])


def test_movement_since_the_year_before(estate: Graded, page: Page) -> None:
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
    shown = [row.text().strip() for row in page.root.one("moved").all("bdi")]
    assert shown == moved[: html.MOVED_MAX]
    assert estate.before.run in page.source


def better(layer: str, than: str) -> bool:
    order = ("important", "main", "ordinary", "small")
    return layer in order and than in order and order.index(layer) < order.index(than)


def test_households_that_came_and_went(estate: Graded) -> None:
    """Who is graded in one of the two years only is neither up nor down."""
    gone, new = estate.run.gradings[0], evolve(estate.run.gradings[1], household="H-new")
    run = evolve(estate.run, gradings=(*estate.run.gradings[1:], new))
    found = read(render_report(estate.crm, run))
    before = {g.household: g.outcome.layer for g in estate.before.gradings}
    rows = found.rows("movement-matrix")
    assert number(rows[before[gone.household]][5]) == 1
    assert number(rows["new"][list(LAYERS).index(new.outcome.layer)]) == 1
    assert sum(found.counts("moves").values()) == HOUSEHOLDS - 1


def test_no_movement_without_an_earlier_year(estate: Graded) -> None:
    """The first year graded is compared with nothing, and not with a later one."""
    found = read(render_report(estate.crm, estate.before))
    assert not [node for node in found.root.all("section") if "movement" in str(node.attrs)]
    assert "movement" not in {str(link.attrs["href"]).lstrip("#") for link in found.root.all("a")}


@pytest.mark.rule("GRD-17")
def test_movement_is_since_the_run_of_record_of_the_nearest_year(folder: Path) -> None:
    """Another run of the year before is a trial and counts only once a director makes it count."""
    made = graded(folder)
    with made.crm as crm:
        household = made.run.gradings[0].household
        said = Word(owner_id(household), "phone", "c1")
        interest = RecordInterest(household, "tutoring", made.before.gradings[0].period_end, said)
        crm.do(interest, by=Actor("a", "specialist"))
        again = crm.grade(2023)
        assert (again.run != made.before.run, again.standing) == (True, "trial")
        assert "a trial; it is not what holds" in render_report(crm, again)
        source = render_report(crm, made.run)
        assert made.before.run in source
        assert again.run not in source
        crm.gradings.replace(
            2023,
            again.run,
            "an interest",
            by=Actor("d", "director"),
            moves=len(crm.gradings.replacing(2023, again.run)),
        )
        source = render_report(crm, made.run)
    assert again.run in source
    assert made.before.run not in source


def test_graded_list_is_by_layer_then_household(estate: Graded, page: Page) -> None:
    """The list holds the first 200 households and says how many more there are."""
    order = list(LAYERS)
    expected = sorted(
        estate.run.gradings, key=lambda g: (order.index(g.outcome.layer), g.household)
    )[:200]
    rows = [row for row in page.root.one("list").all("tr") if "data-key" in row.attrs]
    assert [next(row.all("bdi")).text() for row in rows] == [g.household for g in expected]
    for row, grading in zip(rows, expected, strict=True):
        cells = [cell.text().strip() for cell in row.all("td")]
        assert row.attrs["data-key"] == grading.outcome.layer
        assert cells[0] == " ".join(
            layer_name(grading.outcome.layer, lang) for lang in ("en", "zh")
        )
        assert cells[2] == " ".join(type_name(grading.outcome.type, lang) for lang in ("en", "zh"))
        assert cells[3:5] == [grading.facts.credit, grading.facts.worst_credit]
        assert fen(cells[5]) == grading.facts.purchases_fen
        assert [number(cell) for cell in cells[6:8]] == [
            grading.facts.attention,
            grading.facts.overdue_days,
        ]
        assert fen(cells[8]) == grading.facts.overdue_fen
    assert number(page.root.one("unlisted").text()) == HOUSEHOLDS - 200


def test_one_household_of_each_layer_is_explained(estate: Graded, page: Page) -> None:
    """The sentences and criteria are those of `CRM.explain`, in both languages."""
    articles = list(page.root.all("article"))
    layers = {g.outcome.layer for g in estate.run.gradings}
    assert len(articles) == len(layers) >= 4
    for article in articles:
        household = next(article.all("bdi")).text()
        english, chinese = article.all("ul")
        both: tuple[tuple[Node, Lang], ...] = ((english, "en"), (chinese, "zh"))
        for said, lang in both:
            expected = estate.crm.explain(household, 2024, lang=lang)
            assert [item.text() for item in said.all("li")] == expected["sentences"]
            assert said.attrs["lang"] == {"en": "en", "zh": "zh-Hans"}[lang]
        rows = list(next(article.all("tbody")).all("tr"))
        assert len(rows) == len(expected["criteria"])
        for row, criterion in zip(rows, expected["criteria"], strict=True):
            cells = [cell.text().strip() for cell in row.all("td")]
            assert cells[2] == ("yes 是" if criterion["met"] else "no 否")
            shown = re.match(r"[\d ]*", cells[4])
            assert shown is not None
            positions = [int(position) for position in shown[0].split()]
            assert positions == criterion["evidence"][: html.POSITIONS_MAX]


def test_header_says_which_run_and_policy(estate: Graded, page: Page) -> None:
    """Run, policy with digest, cut-off and number of events stand at the top."""
    header = next(page.root.all("header")).text()
    run = estate.run
    for text in (
        run.run,
        str(run.policy),
        run.policy.digest,
        f"{run.cutoff.position:,}",
        run.cutoff.known.strftime("%Y-%m-%dT%H:%M:%S"),
        "the run of record",
        "正式批次",
    ):
        assert text in header
    assert number(page.root.one("events").text()) == estate.crm.log.head()


def test_estates_add_up(estate: Graded, page: Page) -> None:
    """Every household stands under its estate."""
    rows = [list(row.all("td")) for row in page.root.one("by-estate").all("tr")]
    counts = [[number(cell.text()) for cell in cells[:-1]] for cells in rows if cells]
    assert sum(row[0] for row in counts) == HOUSEHOLDS
    layers = Counter(g.outcome.layer for g in estate.run.gradings)
    assert [sum(column) for column in zip(*counts, strict=True)][1:] == [
        layers[layer] for layer in LAYERS
    ]


def test_a_run_without_households_is_a_page_too(estate: Graded) -> None:
    """Nothing graded is said, not divided by."""
    found = read(render_report(estate.crm, evolve(estate.run, gradings=())))
    assert number(found.root.one("total").text()) == 0
    assert "No household was graded" in found.source


# --- whom it is for -----------------------------------------------------------------------------


@pytest.mark.parametrize("lang", html.LANGUAGES)
def test_page_is_well_formed(estate: Graded, lang: str) -> None:
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


def test_both_languages_stand_beside_each_other(page: Page) -> None:
    """Whatever is read is there in English and in Chinese, English first."""
    assert next(page.root.all("html")).attrs["lang"] == "en"
    said = [*page.root.all("h1", "h2", "p", "caption", "summary", "dt"), *page.root.classed("tile")]
    assert len(said) > 40
    for node in said:
        text = node.text()
        english, chinese = LATIN.search(text), CJK.search(text)
        assert english is not None, text
        assert chinese is not None, text
        assert english.start() < chinese.start()
    for node in page.root.classed("zh"):
        assert node.attrs["lang"] == "zh-Hans"
    for cell in page.root.all("th"):
        text = cell.text().strip()
        name = any(True for _ in cell.all("bdi"))
        assert name or CJK.search(text) or re.fullmatch(r"[AB]\d?|\d{4}", text), text


def test_one_language_alone(estate: Graded) -> None:
    """English alone shows Chinese in names only, and the other way round."""
    english, chinese = estate.page("en"), estate.page("zh")
    assert next(english.root.all("html")).attrs["lang"] == "en"
    assert not CJK.search(next(english.root.all("body")).text(("bdi", "title")))
    assert next(chinese.root.all("html")).attrs["lang"] == "zh-Hans"
    for node in chinese.root.all("h1", "h2", "caption", "dt", "th"):
        assert not LATIN.search(node.text(("bdi", "title"))), node.text()


def test_another_language_is_invalid(estate: Graded) -> None:
    """A language that is not known is refused before anything is written."""
    with pytest.raises(Invalid) as caught:
        render_report(estate.crm, estate.run, "fr")
    assert caught.value.faults[0].code == "language_unknown"


def test_every_word_is_known_in_both_languages(estate: Graded) -> None:
    """Facts, derived facts, operators, statuses and levels all have words."""
    policy = estate.crm.policies.pinned(GradingPolicy, estate.run.policy)
    assert {*asdict(estate.run.gradings[0].facts), *(t.name for t in policy.tables)} <= {
        *html.FACTS
    }
    assert {str(op) for op in Operator} == {*html.OPERATORS}
    assert {*html.STATUSES} == {*STATUSES}
    for lang in LANGS:
        assert len({status_name(status, lang) for status in STATUSES} - {*STATUSES}) == len(
            STATUSES
        )
    levels = {row.outcome for table in policy.tables[:2] for row in table.rows}
    assert levels <= {*html.LEVELS}
    for words in (html.FACTS, html.OPERATORS, html.STATUSES, html.LEVELS):
        for english, chinese in words.values():
            assert LATIN.search(english)
            assert CJK.search(chinese)


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


@pytest.mark.parametrize("lang", html.LANGUAGES)
def test_nothing_is_fetched(estate: Graded, lang: str) -> None:
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


def test_the_same_log_and_run_give_the_same_bytes(
    estate: Graded, folder: Path, tmp_path: Path
) -> None:
    """Another store, another day of import, other keys and ids: the same page, byte for byte."""
    first = tmp_path / "first.html"
    write_report(first, estate.crm, estate.run)
    other = graded(folder, f"sqlite:///{tmp_path / 'crm.db'}")
    with other.crm as crm:
        write_report(tmp_path / "second.html", crm, crm.gradings.grades(2024))
    assert first.read_bytes() == (tmp_path / "second.html").read_bytes()
    write_report(first, estate.crm, estate.run)
    assert first.read_bytes() == (tmp_path / "second.html").read_bytes()


def test_hostile_text_is_only_text(estate: Graded) -> None:
    """Mark-up in the name of an estate or in a household's number is shown, not obeyed."""
    shown = estate.page()
    assert "<script" not in shown.source
    assert "onerror" not in {name for node in shown.root.all() for name in node.attrs}
    assert HOSTILE in [node.text() for node in shown.root.all("bdi")]
    # No import lets such a number in; another host of the core might.
    hostile = evolve(estate.run.gradings[0], household=HOSTILE)
    run = evolve(estate.run, gradings=(hostile, *estate.run.gradings[1:]))
    shown = read(render_report(estate.crm, run))
    assert "<script" not in shown.source
    assert not list(shown.root.all("img", "script"))
    assert HOSTILE in [node.text() for node in next(shown.root.all("main")).all("bdi")]
    assert any(HOSTILE in item.text() for item in shown.root.all("li"))


def test_nothing_personal_stands_on_the_page(estate: Graded, folder: Path) -> None:
    """No owner's name, no telephone number and no room: not the canary's, nor anybody's."""
    sources = [render_report(estate.crm, estate.run, lang) for lang in html.LANGUAGES]
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
    estate: Graded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that fills up leaves the earlier page as it was, and nothing beside it."""
    target = tmp_path / "report.html"
    target.write_text("the page of last year", encoding="utf-8")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(Invalid) as caught:
            write_report(target, estate.crm, estate.run)
    assert caught.value.faults[0].code == "report_unwritable"
    assert "No space left" in caught.value.faults[0].message
    assert target.read_text(encoding="utf-8") == "the page of last year"
    write_report(target, estate.crm, estate.run)
    assert target.read_text(encoding="utf-8") == render_report(estate.crm, estate.run)
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
    estate: Graded, tmp_path: Path, name: str, code: str
) -> None:
    """No such folder, a folder in the way, a name too long: said with its path, no trace left."""
    (tmp_path / "folder").mkdir()
    with pytest.raises(Invalid) as caught:
        write_report(tmp_path / name, estate.crm, estate.run)
    assert caught.value.faults[0].code == code
    assert name in caught.value.faults[0].message
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
    assert not list((tmp_path / "folder").iterdir())


def test_page_stays_small(estate: Graded, page: Page) -> None:
    """A page for a whole estate can be sent by mail: the long list is cut, not the sums."""
    assert len(page.source.encode()) < 400_000


# --- in a browser -------------------------------------------------------------------------------

START = """
import fcntl, os, sys
reading, writing = (fcntl.fcntl(int(n), fcntl.F_DUPFD, 10) for n in sys.argv[1:3])
os.dup2(reading, 3)
os.dup2(writing, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""Chromium listens on descriptor 3 and answers on 4."""

PATIENCE_SECONDS = 90


class Browser:
    """A real Chromium, spoken to over a pipe (no port, no driver)."""

    def __init__(self, program: str, profile: Path) -> None:
        theirs, self._to = os.pipe()
        self._from, answers = os.pipe()
        arguments = [
            program,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--remote-debugging-pipe",
            f"--user-data-dir={profile}",
        ]
        self.process = subprocess.Popen(
            [sys.executable, "-c", START, str(theirs), str(answers), *arguments],
            pass_fds=(theirs, answers),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs)
        os.close(answers)
        self._rest = b""
        self._count = 0
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session: str = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.page(f"{domain}.enable")

    def page(self, method: str, **params: Any) -> dict[str, Any]:
        return self.call(method, self._session, **params)

    def call(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        self._count += 1
        message: dict[str, Any] = {"id": self._count, "method": method, "params": params}
        if session is not None:
            message["sessionId"] = session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._count:
                assert "error" not in answer, answer
                return answer["result"]  # type: ignore[no-any-return]
            self.events.append(answer)

    def open(self, path: Path, *, width: int, dark: bool = False, media: str = "") -> None:
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.page("Emulation.setEmulatedMedia", media=media, features=[scheme])
        self.page(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=900,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        self.events.clear()
        self.page("Page.navigate", url=path.as_uri())
        while "Page.loadEventFired" not in [event.get("method") for event in self.events]:
            self.events.append(self._read())

    def ask(self, expression: str) -> Any:
        answer = self.page("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def complaints(self) -> list[dict[str, Any]]:
        """Whatever the console would show, and every exception."""
        shown = ("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown")
        return [event for event in self.events if event.get("method") in shown]

    def requests(self) -> list[str]:
        return [
            event["params"]["request"]["url"]
            for event in self.events
            if event.get("method") == "Network.requestWillBeSent"
        ]

    def close(self) -> None:
        try:
            self.call("Browser.close")
            self.process.wait(PATIENCE_SECONDS)
        finally:
            self.process.kill()
            self.process.wait()
            os.close(self._to)
            os.close(self._from)

    def _read(self) -> dict[str, Any]:
        until = time.monotonic() + PATIENCE_SECONDS
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._from], [], [], max(0, until - time.monotonic()))
            assert ready, "the browser does not answer"
            part = os.read(self._from, 1 << 16)
            assert part, "the browser is gone"
            self._rest += part
        message, self._rest = self._rest.split(b"\0", 1)
        return json.loads(message)  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program = shutil.which("chromium")
    if program is None:
        if os.getenv("CI"):
            pytest.fail("`chromium` is missing, and in CI it must not be")
        pytest.skip("`chromium` is not installed: apt-get install chromium")
    browser = Browser(program, tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def written(estate: Graded, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The page in each language, as files."""
    folder = tmp_path_factory.mktemp("pages")
    pages = {lang: folder / f"{lang}.html" for lang in html.LANGUAGES}
    for lang, path in pages.items():
        write_report(path, estate.crm, estate.run, lang)
    return pages


UNFOLD = "document.querySelectorAll('details').forEach(d => { d.open = true })"
OVERFLOW = """
[...document.querySelectorAll('body *')]
  .filter(e => !e.closest('.scroll') || e.classList.contains('scroll'))
  .filter(e => e.getBoundingClientRect().right > document.documentElement.clientWidth + .5)
  .map(e => e.outerHTML.slice(0, 120))
"""


@pytest.mark.parametrize("lang", html.LANGUAGES)
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_page_fits_a_telephone(
    browser: Browser, written: dict[str, Path], lang: str, dark: bool
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


def test_page_fits_a_desk(browser: Browser, written: dict[str, Path]) -> None:
    """At 1200 pixels no table needs to be scrolled, and bars have their colours."""
    browser.open(written["both"], width=1200)
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


def test_paper_shows_what_is_folded(browser: Browser, written: dict[str, Path]) -> None:
    """Printed, the reasons are there without a click, and the long list only if it was opened."""
    visible = "['.criteria', '#list'].map(s => document.querySelector(s).checkVisibility())"
    browser.open(written["both"], width=794)
    assert browser.ask(visible) == [False, False]
    browser.open(written["both"], width=794, dark=True, media="print")
    assert browser.ask(visible) == [True, False]
    assert browser.ask("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert browser.ask("getComputedStyle(document.querySelector('nav')).display") == "none"
    assert browser.ask("document.documentElement.scrollWidth") <= 794


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
        assert html.yuan(amount).replace(",", "") == yuan_from_fen(amount)
    assert html.yuan(123_456_789) == "1,234,567.89"
