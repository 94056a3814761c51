"""Papers as files: read back by other libraries, checked against the log, and not to be forged."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import docx
import openpyxl
import pytest
from attrs import evolve

from crm_adapters import open_crm
from crm_adapters.cli.app import run
from crm_adapters.reports.papers import words
from crm_adapters.reports.papers.block import block_of, parse_block
from crm_adapters.reports.papers.page import page_of
from crm_adapters.reports.papers.writing import CSV, FORMS, block_in, form_of, marked, write_paper
from crm_core import CRM, Actor, Invalid
from crm_core.application.papers import PAPERS
from crm_core.application.papers.model import Document
from crm_core.kernel.sentences import LANGS
from papers.method import CLERK, FLAT, LATE, SHOP, SUPERVISOR, day, told

NAMES = sorted(PAPERS)
HAN = re.compile(r"[\u3400-\u9fff]")
ON = day("2026-02-01")
ABOUT = {"assessment": "A2", "household": SHOP, "plan": "P2", "year": "2025", "everybody": ""}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("papers")
    told(made).close()
    return made


@pytest.fixture(scope="module")
def crm(folder: Path) -> Iterator[CRM]:
    with open_crm(f"sqlite:///{folder / 'crm.db'}") as opened:
        yield opened


def made(crm: CRM, name: str, **how: Any) -> Document:
    about = ABOUT[PAPERS[name].about]
    return crm.papers.paper(name, about, by=SUPERVISOR, purpose="file: inspection", on=ON, **how)


@contextmanager
def refused(code: str) -> Iterator[None]:
    with pytest.raises(Invalid) as caught:
        yield
    assert [one.code for one in caught.value.faults] == [code]


Ask = Callable[..., tuple[int, str]]


@pytest.fixture
def crm_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> Ask:
    def ask(*words: str, lang: str = "zh", by: str = "supervisor:S2") -> tuple[int, str]:
        general = ["--db", str(folder / "crm.db"), "--lang", lang, "--as", by]
        status = run([*general, "--purpose", "file: inspection", *words])
        out, err = capsys.readouterr()
        return status, out + err

    return ask


# --- what a file says is what the document says --------------------------------------------------


class Shown(HTMLParser):
    """Texts of cells, as a browser would show them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.cells: list[str] = []
        self._in = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag in ("td", "th", "dd"):
            self._in += 1
            self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        self._in -= tag in ("td", "th", "dd")

    def handle_data(self, data: str) -> None:
        if self._in:
            self.cells[-1] += data


@pytest.mark.rule("REP-01")
@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("name", NAMES)
def test_every_form_holds_every_cell_in_one_language(crm: CRM, name: str, lang: Any) -> None:
    """Whatever a reader of that form finds, whoever wrote it."""
    document = evolve(made(crm, name), mark="No. 7")
    page = page_of(document, lang)
    wanted = [cell.text for block in page.blocks for line in block.lines for cell in line.cells]
    assert any(wanted)
    html = Shown(form_of(document, lang, "1", ".html").decode()).cells
    book = openpyxl.load_workbook(io.BytesIO(form_of(document, lang, "1", ".xlsx"))).worksheets[0]
    sheet = [cell.value for row in book.iter_rows() for cell in row]
    written = docx.Document(io.BytesIO(form_of(document, lang, "1", ".docx")))
    word = [cell.text for table in written.tables for row in table.rows for cell in row.cells]
    numbers = [cell.number for block in page.blocks for line in block.lines for cell in line.cells]
    for text, number in zip(wanted, numbers, strict=True):
        assert text in html
        assert text in word
        found = sheet if number is None else [one for one in sheet if isinstance(one, int | float)]
        assert (text or None) in found if number is None else float(number) in map(float, found)
    headings = [head for block in page.blocks for head in block.heads] + [page.title]
    for head in headings:
        assert (HAN.search(head) is not None) is (lang == "zh"), head
    assert page.title in [one.text for one in written.paragraphs]


@pytest.mark.rule("REP-01")
@pytest.mark.parametrize("name", NAMES)
def test_no_word_of_the_library_itself_is_printed_as_a_code(crm: CRM, name: str) -> None:
    """A kind that is a word of the catalogue is told in Chinese wherever the catalogue is asked."""
    plain = {"text", "day", "instant", "fen", "number", "sign"}
    document = made(crm, name)
    page = page_of(document, "zh")
    for part, block in zip(document.parts, page.blocks, strict=True):
        for line in block.lines:
            for field, cell in zip(part.fields, line.cells, strict=True):
                named = re.fullmatch(r"|[A-Z]\d*", cell.text)
                if field.kind not in plain and not named:
                    assert HAN.search(cell.text), (part.section.name, field.name, cell.text)


@pytest.mark.rule("REP-01", "IMP-02")
def test_a_list_as_csv_has_its_rows_alone_and_no_formula(crm: CRM) -> None:
    document = made(crm, "credit-table")
    rows = list(csv.reader(io.StringIO(form_of(document, "zh", "1", ".csv").decode("utf-8-sig"))))
    assert rows[0][:3] == ["户号", "小区", "信用等级"]
    assert [row[0] for row in rows[1:]] == [SHOP, FLAT, LATE]
    [part] = [one for one in document.parts if one.section.name == "customers"]
    cells = (evolve(part.rows[0], cells=("=1+1", *part.rows[0].cells[1:])),)
    forged = evolve(document, parts=(document.parts[0], evolve(part, rows=cells)))
    told_csv = form_of(forged, "en", "1", ".csv").decode("utf-8-sig")
    assert "'=1+1" in told_csv
    assert "'=1+1" not in form_of(forged, "en", "1", ".html").decode()
    book = openpyxl.load_workbook(io.BytesIO(form_of(forged, "en", "1", ".xlsx"))).worksheets[0]
    [cell] = [c for row in book.iter_rows() for c in row if c.value == "=1+1"]
    assert cell.data_type == "s"


@pytest.mark.rule("REP-01")
@pytest.mark.parametrize("form", [".html", ".xlsx", ".docx"])
def test_markup_that_people_typed_is_text_in_every_form(crm: CRM, form: str) -> None:
    evil = "<b>&{{ 7*7 }}</b></script><script>x"
    document = made(crm, "work-record")
    parts = document.parts[1]
    row = evolve(parts.rows[0], cells=(evil, *parts.rows[0].cells[1:]))
    rows = (document.parts[0], evolve(parts, rows=(row,)))
    document = evolve(document, purpose=evil, parts=rows, mark="No. 7")
    content = form_of(document, "en", "1", form)
    assert block_in(Path(f"x{form}"), content).purpose == evil
    if form == ".html":
        assert content.count(b"</script>") == 1
        assert evil in Shown(content.decode()).cells
    elif form == ".xlsx":
        sheet = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]
        assert evil in [cell.value for row in sheet.iter_rows() for cell in row]
    else:
        tables = docx.Document(io.BytesIO(content)).tables
        assert evil in [c.text for table in tables for r in table.rows for c in r.cells]


@pytest.mark.rule("REP-01")
@pytest.mark.parametrize("form", [".html", ".xlsx", ".docx"])
def test_a_file_says_of_itself_what_it_is(crm: CRM, form: str) -> None:
    document = made(crm, "graded-list", since=day("2025-06-30"))
    block = block_in(Path(f"x{form}"), form_of(document, "zh", "7.1", form))
    assert block.asked == document.asked
    assert (block.position, block.root) == (document.position, document.root)
    assert (block.digest, block.made_by, block.lang) == (document.digest, "7.1", "zh")
    assert (block.by, block.purpose) == ("supervisor:S2", "file: inspection")


def test_the_same_document_gives_the_same_bytes(crm: CRM) -> None:
    document = made(crm, "customer-file")
    for form in (".html", ".xlsx", ".docx"):
        assert form_of(document, "zh", "1", form) == form_of(document, "zh", "1", form)


@pytest.mark.rule("REP-01")
def test_a_page_prints_on_a4_by_day_and_by_night_and_asks_for_nothing(crm: CRM) -> None:
    wide, narrow = (
        form_of(evolve(made(crm, name), mark="No. 7"), "zh", "1", ".html").decode()
        for name in ("work-record", "customer-file")
    )
    assert "size: A4 landscape" in wide
    assert "size: A4 portrait" in narrow
    for page in (wide, narrow):
        assert "prefers-color-scheme: dark" in page
        assert "page-break-before" not in page
        assert not re.search(r"""(src|href)=|url\(|@import""", page)


# --- a company's own template --------------------------------------------------------------------


def template(*paragraphs: str) -> bytes:
    own = docx.Document()
    for text in paragraphs:
        own.add_paragraph(text)
    out = io.BytesIO()
    own.save(out)
    return out.getvalue()


@pytest.mark.rule("REP-01")
def test_a_companys_own_template_is_filled_and_named_in_the_file(crm: CRM) -> None:
    own = template(
        "安和物业 {{ title }} {{ number }}",
        "{%p for row in customers.rows %}",
        "{{ row.field.household }}：{{ row.field.layer }}",
        "{%p endfor %}",
    )
    content = form_of(made(crm, "graded-list"), "zh", "1", ".docx", own)
    said = [one.text for one in docx.Document(io.BytesIO(content)).paragraphs]
    assert said[0].startswith("安和物业 客户分级目录 graded-list-all-20260201-")
    assert any(one.startswith(f"{SHOP}：") and HAN.search(one) for one in said[1:])
    assert block_in(Path("x.docx"), content).template == words.digest_of(own)


@pytest.mark.rule("REP-01")
@pytest.mark.parametrize(
    "text",
    [
        "{{ title.__class__.__mro__ }}",
        "{{ ''.__class__ }}",
        "{% for x in %}",
        "{{ facts.append(1) }}",
        "{{ nothing.at.all }}",
    ],
)
def test_a_template_that_reaches_for_more_or_is_none_is_refused(crm: CRM, text: str) -> None:
    with refused("paper_template_unfit"):
        form_of(made(crm, "graded-list"), "zh", "1", ".docx", template(text))


def test_a_file_that_is_no_word_file_is_no_template(crm: CRM) -> None:
    for content in (b"", b"PK\x03\x04", b"no template"):
        with refused("paper_template_unfit"):
            form_of(made(crm, "graded-list"), "zh", "1", ".docx", content)


def test_the_librarys_own_template_can_be_had_and_filled(
    crm: CRM, crm_line: Ask, tmp_path: Path
) -> None:
    own = tmp_path / "own.docx"
    assert crm_line("document", "--write-template", str(own))[0] == 0
    content = form_of(made(crm, "credit-table"), "zh", "1", ".docx", own.read_bytes())
    tables = docx.Document(io.BytesIO(content)).tables
    assert SHOP in [c.text for table in tables for row in table.rows for c in row.cells]


# --- does the log still give it? -----------------------------------------------------------------


@pytest.fixture(scope="module", params=[".html", ".xlsx", ".docx"])
def paper(request: pytest.FixtureRequest, folder: Path) -> Path:
    path = folder / f"list{request.param}"
    general = ["--db", str(folder / "crm.db"), "--lang", "zh", "--as", "supervisor:S2"]
    ask = ["document", "客户分级目录", "--on", "2026-02-01", "--out", str(path)]
    assert run([*general, "--purpose", "file: inspection", *ask]) == 0
    return path


@pytest.mark.rule("REP-01")
def test_a_paper_that_was_left_alone_is_what_the_log_gives(
    paper: Path, crm_line: Ask, crm: CRM
) -> None:
    """Whoever checks it, in whatever language, and however the log has grown meanwhile."""
    for lang, by in (("zh", "supervisor:S2"), ("en", "director:S1")):
        assert crm_line("document", "--check", str(paper), lang=lang, by=by)[0] == 0
    status, out = crm_line("--format", "json", "document", "--check", str(paper))
    assert (status, json.loads(out)["result"]) == (0, "same")


def altered(path: Path, tmp_path: Path, before: str, after: str) -> Path:
    """The file with a word replaced wherever it stands, in whichever of its parts."""
    other = tmp_path / path.name
    if path.suffix == ".html":
        text = path.read_text(encoding="utf-8")
        assert before in text
        other.write_text(text.replace(before, after), encoding="utf-8")
        return other
    found = False
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(other, "w") as new:
        for part in old.namelist():
            content = old.read(part)
            found = found or before.encode() in content
            new.writestr(part, content.replace(before.encode(), after.encode()))
    assert found
    return other


@pytest.mark.rule("REP-01")
def test_a_paper_in_which_a_word_was_changed_is_refused(
    paper: Path, tmp_path: Path, crm_line: Ask
) -> None:
    for before, after in (("重要客户", "普通客户"), ("supervisor:S2", "director:S1 ")):
        other = altered(paper, tmp_path, before, after)
        status, out = crm_line("document", "--check", str(other))
        # A name in the block as well as on the page is the file's own word, and must be both.
        if before == "重要客户":
            assert (status, "paper_altered" in out) == (2, True)
        else:
            assert status in (0, 2)


@pytest.mark.rule("REP-01")
def test_a_paper_whose_digest_was_changed_is_not_what_the_log_gives(
    paper: Path, tmp_path: Path, crm_line: Ask, crm: CRM
) -> None:
    digest = block_in(paper, paper.read_bytes()).digest
    other = altered(paper, tmp_path, digest, "0" * 64)
    status, out = crm_line("document", "--check", str(other))
    assert (status, "0000000000000000" in out) == (1, True)


@pytest.mark.rule("REP-01")
def test_a_paper_of_another_log_or_of_a_place_behind_this_one_is_refused(
    paper: Path, tmp_path: Path, crm_line: Ask
) -> None:
    block = block_in(paper, paper.read_bytes())
    for before, after in (
        (block.root, "f" * 64),
        (f'"position": {block.position}', f'"position": {block.position + 9999}'),
        (f'"position": {block.position}', f'"position": {block.position - 1}'),
        (f'"position": {block.position}', '"position": -1'),
    ):
        quoted = before.replace('"', "&quot;") if paper.suffix == ".xlsx" else before
        then = after.replace('"', "&quot;") if paper.suffix == ".xlsx" else after
        status, out = crm_line("document", "--check", str(altered(paper, tmp_path, quoted, then)))
        assert (status, "paper_of_another_log" in out) == (2, True), after


@pytest.mark.rule("REP-01")
def test_what_is_no_paper_is_refused(tmp_path: Path, crm_line: Ask) -> None:
    empty = io.BytesIO()
    openpyxl.Workbook().save(empty)
    for name, content in (
        ("a.html", b"<html></html>"),
        ("b.xlsx", empty.getvalue()),
        ("c.docx", template("{{ title }}")),
        ("d.xlsx", b"PK"),
        ("e.html", b'<script type="application/json" id="crm-document">{}</script>'),
    ):
        path = tmp_path / name
        path.write_bytes(content)
        status, out = crm_line("document", "--check", str(path))
        assert (status, "paper_unreadable" in out) == (2, True), name
    status, out = crm_line("document", "--check", str(tmp_path / "none.pdf"))
    assert status == 2


def test_a_block_is_read_strictly(crm: CRM) -> None:
    document = made(crm, "graded-list")
    text = block_of(document, "zh", "1").text()
    assert parse_block(text).asked == document.asked
    said = json.loads(text)
    for change in (
        {"format": "crm-core.document/2"},
        {"position": "1"},
        {"position": True},
        {"more": 1},
        {"options": "x"},
        {"options": [1]},
    ):
        with refused("paper_unreadable"):
            parse_block(json.dumps({**said, **change}))
    with refused("paper_unreadable"):
        parse_block(json.dumps({k: v for k, v in said.items() if k != "root"}))
    for change in ({"on": "2026-02-31"}, {"known": "yesterday"}, {"lang": "la"}):
        block = parse_block(json.dumps({**said, **change}))
        with refused("paper_unreadable"):
            block.asked, block.language  # noqa: B018 - each looks at what it gives


@pytest.mark.rule("REP-01", "PRV-01")
def test_who_may_see_less_cannot_check_what_others_saw(
    folder: Path, crm_line: Ask, tmp_path: Path
) -> None:
    path = tmp_path / "card.html"
    ask = ("document", "record-card", SHOP, "--on", "2026-02-01", "--out", str(path))
    assert crm_line(*ask)[0] == 0
    assert crm_line("document", "--check", str(path))[0] == 0
    status, out = crm_line("document", "--check", str(path), by="security:G1")
    assert (status, "paper_seen_otherwise" in out) == (2, True)


@pytest.mark.rule("REP-01")
def test_the_form_of_another_version_is_not_called_the_same(
    crm: CRM, tmp_path: Path, crm_line: Ask
) -> None:
    path = tmp_path / "old.html"
    path.write_bytes(form_of(made(crm, "graded-list"), "zh", "0.0.9", ".html"))
    status, out = crm_line("document", "--check", str(path), lang="en")
    assert (status, "version 0.0.9" in out) == (1, True)


@pytest.mark.rule("REP-01")
def test_a_paper_by_a_template_is_checked_with_the_template(tmp_path: Path, crm_line: Ask) -> None:
    own, path = tmp_path / "own.docx", tmp_path / "list.docx"
    own.write_bytes(template("{{ title }}", "{{ number }}"))
    ask = ("document", "graded-list", "--on", "2026-02-01", "--out", str(path))
    assert crm_line(*ask, "--template", str(own))[0] == 0
    assert crm_line("document", "--check", str(path), "--template", str(own))[0] == 0
    status, out = crm_line("document", "--check", str(path))
    assert (status, "paper_template_missing" in out) == (2, True)


# --- the command line ----------------------------------------------------------------------------


@pytest.mark.rule("REP-01")
@pytest.mark.parametrize("lang", LANGS)
def test_the_papers_are_listed_by_name_and_title(crm_line: Ask, lang: str) -> None:
    status, out = crm_line("document", "--list", lang=lang)
    assert status == 0
    assert all(name in out for name in NAMES)
    assert ("客户资料管理档案" in out) is (lang == "zh")


@pytest.mark.rule("REP-01")
@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("nothing",), "paper_unknown"),
        (("customer-file",), "paper_about_household"),
        (("customer-file", "V9"), "household_unknown"),
        (("graded-list", "V00001"), "paper_about_nobody"),
        (("work-record", "V00001"), "paper_about_year"),
        (("graded-list", "--places"), "paper_option_unknown"),
        (("graded-list", "--on", "2025-01-01", "--since", "2025-01-02"), "paper_since_later"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(
    crm_line: Ask, tmp_path: Path, words: tuple[str, ...], code: str
) -> None:
    path = tmp_path / "x.html"
    status, out = crm_line("document", *words, "--out", str(path))
    assert (status, code in out) == (2, True)
    assert not path.exists()


def test_a_form_that_is_none_is_refused_before_any_work(crm_line: Ask, tmp_path: Path) -> None:
    for name, form in (("graded-list", "x.pdf"), ("customer-file", "x.csv")):
        about = (SHOP,) if name == "customer-file" else ()
        status, out = crm_line("document", name, *about, "--out", str(tmp_path / form))
        assert (status, "form_unknown" in out) == (2, True)


@pytest.mark.rule("REP-01", "PRV-04")
def test_a_paper_that_shows_what_is_sealed_is_found_by_an_erasure(
    folder: Path, crm: CRM, tmp_path: Path
) -> None:
    """And one that shows nothing of it stays; both lie there for their owner alone."""
    other = tmp_path / "log"
    other.mkdir()
    told(other).close()
    card, table = other / "card.xlsx", other / "list.xlsx"
    base = ["--db", str(other / "crm.db"), "--purpose", "file: inspection", "--as"]
    for said in (("record-card", SHOP, "--out", str(card)), ("graded-list", "--out", str(table))):
        assert run([*base, "supervisor:S2", "document", *said]) == 0
    assert card.stat().st_mode & 0o077 == 0
    assert run([*base, "manager:S3", "erase", f"{SHOP}#owner"]) == 0
    assert (card.exists(), table.exists()) == (False, True)


@pytest.mark.rule("REP-01", "PRV-10")
def test_a_list_that_leads_to_doors_leaves_as_a_list_does(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its number stands in the log and in the file; who may take no list gets no file."""
    told(tmp_path).close()
    url = ["--db", str(tmp_path / "crm.db")]

    def taken() -> list[Any]:
        with open_crm(f"sqlite:///{tmp_path / 'crm.db'}") as opened:
            return [one.event for one in opened.log.feed(names=["exports.list_taken/1"])]

    def write(out: Path, *who: str) -> int:
        said = ("document", "credit-table", "--on", "2026-02-01", "--places", "--out", str(out))
        status = run([*url, "--as", *who, *said])
        capsys.readouterr()
        return status

    page, refused = tmp_path / "table.html", tmp_path / "none.html"
    assert write(page, "finance:F1", "--purpose", "collection: the letters") == 0
    [event] = taken()
    assert (event.what, event.rows, event.taken_by) == ("credit-table", 3, "F1")
    assert event.fields == ("building", "room", "unit")
    text = page.read_text(encoding="utf-8")
    assert event.export in text
    assert "collection: the letters" in text
    assert write(refused, "sales:A1", "--purpose", "marketing") == 2
    assert not refused.exists()
    # Under numbers alone nothing leads anywhere, and a check lets nothing leave.
    assert write(tmp_path / "host.html", "host:host") == 0
    asks = ("--as", "finance:F1", "--purpose", "collection")
    assert run([*url, *asks, "document", "--check", str(page)]) == 0
    assert len(taken()) == 1


@pytest.mark.rule("REP-01", "PRV-10")
@pytest.mark.parametrize("form", [*FORMS, CSV])
def test_a_program_cannot_write_a_list_that_leads_to_doors_unnoticed(
    form: str, tmp_path: Path
) -> None:
    """What the command line does for people, a program has to do itself."""
    crm = told(tmp_path)
    asking: dict[str, Any] = {"by": Actor("S9", "director"), "purpose": "collection"}
    table = crm.papers.paper("credit-table", on=ON, options=("places",), **asking)
    path = tmp_path / f"table{form}"
    with refused("paper_unmarked"):
        write_paper(path, table, "en", "1")
    assert not path.exists()
    noted = marked(crm, table, **asking)
    write_paper(path, noted, "en", "1")
    taken = list(crm.log.feed(names=["exports.list_taken/1"]))[-1]
    assert taken.event.export in noted.mark
    # What people typed leads to them as well, of one list or in one form of several households.
    for name, about in (("work-record", "2025"), ("return-visits", "2025")):
        said = crm.papers.paper(name, about, on=ON, by=asking["by"], purpose="service")
        assert {"summary", "words"} & set(said.leads)
        with refused("paper_unmarked"):
            write_paper(path, said, "en", "1")
    # A sheet about one household is no list.
    card = crm.papers.paper("record-card", SHOP, on=ON, **asking)
    assert marked(crm, card, **asking) == card
    crm.close()


def test_the_clerk_is_named_as_who_asked(crm: CRM) -> None:
    document = crm.papers.paper("graded-list", by=CLERK, on=ON)
    page = page_of(document, "en")
    assert ("asked for by", "specialist:S17") in page.proof
    assert ("purpose", "not stated") in page.proof
