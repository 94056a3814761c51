"""Papers written to files, and files compared with what the log says now (REP-01)."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

from attrs import evolve

from crm_adapters.outputs import NOTHING, Kept, written_whole
from crm_adapters.register import PAPER
from crm_adapters.reports.marks import mark_of
from crm_adapters.reports.papers import html, sheets, words
from crm_adapters.reports.papers.block import Block, block_of, parse_block
from crm_adapters.reports.papers.page import Page, page_of
from crm_adapters.reports.papers.parts import parts_of
from crm_core.application.papers import PAPERS
from crm_core.application.papers.model import Document
from crm_core.application.papers.service import Papers
from crm_core.crm import CRM
from crm_core.errors import Invalid
from crm_core.kernel.dates import parse_instant
from crm_core.kernel.recorded import Actor
from crm_core.kernel.sentences import Lang
from crm_core.kernel.values import frozen

HTML, XLSX, DOCX, CSV = ".html", ".xlsx", ".docx", ".csv"
FORMS = (HTML, XLSX, DOCX)
"""Forms that say of themselves what they are; a list can be written as CSV besides."""

FILE_BYTES_MAX = 64 * 2**20

SAME, DIFFERS, OTHER_FORM = "same", "differs", "other_form"
"""What a check finds: the log gives the same file; it gives another; or it gives the same facts,
but the file is the form of another version, in which anything may stand.
"""

_BLOCKS: Mapping[str, Callable[[bytes], str]] = {
    HTML: html.block_text,
    XLSX: sheets.block_text,
    DOCX: words.block_text,
}


@frozen
class Checked:
    """What became of a check.

    Args:
        result: `same`, `differs` or `other_form`.
        block: What the file says of itself.
        document: What the log gives.
    """

    result: str
    block: Block
    document: Document


def check_form(path: Path, name: str) -> None:
    """That the name's ending says in which form to write.

    Raises:
        Invalid: it does not, or the paper has no list for CSV.
    """
    form, paper = path.suffix.lower(), PAPERS.get(name)
    if form not in FORMS and not (form == CSV and paper is not None and paper.main):
        raise Invalid.one("form_unknown", "--out", sentence="form_of_paper_unknown", file=path.name)


def write_paper(
    path: Path,
    document: Document,
    lang: Lang,
    version: str,
    *,
    template: bytes | None = None,
    kept: Kept = NOTHING,
) -> None:
    """Write the document; the form follows the name's ending. Its owner alone may read it.

    Args:
        version: Of the library.
        template: A company's own, for DOCX.
        kept: What may not be replaced.

    Raises:
        Invalid: the name ends otherwise, it cannot be written, or it is a list that leaves without
            its mark; `marked` gives it one.
    """
    check_form(path, document.asked.paper)
    content = form_of(document, lang, version, path.suffix.lower(), template)
    try:
        written_whole(
            path,
            content,
            private=True,
            kept=kept,
            where="--out",
            # What holds nothing that can be erased need not be found by an erasure.
            kind=PAPER if document.opened else "",
            about=document.opened,
        )
    except OSError as error:
        told = {"file": str(path), "why": error.strerror or ""}
        raise Invalid.one("report_unwritable", "--out", **told) from error


def marked(crm: CRM, document: Document, *, by: Actor, purpose: str | None = None) -> Document:
    """A list with its mark: that it leaves is noted where it leads to doors or persons (PRV-10).

    So is a form that tells of several households.

    Raises:
        Refused: it is not for `by`, or lists more than they may take at once.
        Invalid: no purpose is stated, and it needs one.
    """
    paper = PAPERS[document.asked.paper]
    if not paper.is_list and not document.leads:
        return document
    rows = len(document.part(paper.main).rows) if paper.is_list else document.households
    mark = mark_of(crm, paper.name, rows, document.leads, by=by, purpose=purpose)
    return evolve(document, mark=mark)


def form_of(
    document: Document, lang: Lang, version: str, form: str, template: bytes | None = None
) -> bytes:
    """The document in a form.

    Raises:
        Invalid: it is a list that leads to doors or persons, and nobody noted that it leaves
            (PRV-10).
    """
    if document.leads and not document.mark:
        raise Invalid.one("paper_unmarked", paper=document.asked.paper)
    page = page_of(document, lang)
    if form == CSV:
        # With a byte order mark, by which spreadsheets see that it is UTF-8.
        return f"\ufeff{sheets.csv_text(page, document.mark)}".encode()
    block = block_of(document, lang, version, words.digest_of(template) if form == DOCX else "")
    return _formed(page, block, form, template)


def _formed(page: Page, block: Block, form: str, template: bytes | None) -> bytes:
    if form == HTML:
        return html.html(page, block)
    return sheets.xlsx(page, block) if form == XLSX else words.docx(page, block, template)


def block_in(path: Path, content: bytes) -> Block:
    """What a file says of itself.

    Raises:
        Invalid: it is no paper of ours.
    """
    read = _BLOCKS.get(path.suffix.lower())
    if read is None:
        raise Invalid.one(
            "form_unknown", "--check", sentence="form_of_check_unknown", file=path.name
        )
    return parse_block(read(content))


def read_file(path: Path, where: str) -> bytes:
    """The bytes of a file.

    Raises:
        Invalid: it is longer than any paper.
    """
    with path.open("rb") as file:
        content = file.read(FILE_BYTES_MAX + 1)
    if len(content) > FILE_BYTES_MAX:
        raise Invalid.one("paper_too_large", where, most=FILE_BYTES_MAX)
    return content


def check_paper(
    path: Path,
    papers: Papers,
    version: str,
    *,
    by: Actor,
    purpose: str | None,
    template: bytes | None = None,
) -> Checked:
    """Whether the log still gives the same document as a file.

    The paper is made again from the same position of the log and compared, first what it says and
    then the file itself. Who asked for it, when and what for is the file's own word.

    Raises:
        Invalid: it is no paper of ours, comes from another log, or was altered since it was made;
            or whoever checks may see more or less of it than who made it.
    """
    content, form = read_file(path, "--check"), path.suffix.lower()
    block = block_in(path, content)
    document = papers.again(block.asked, block.position, block.root, by=by, purpose=purpose)
    if document.digest != block.digest:
        if document.withheld != block.withheld:
            raise Invalid.one(
                "paper_seen_otherwise",
                "--check",
                then=block.withheld,
                now=document.withheld,
                by=block.by,
            )
        return Checked(DIFFERS, block, document)
    if block.made_by != version:
        return Checked(OTHER_FORM, block, document)
    if block.template != words.digest_of(template):
        raise Invalid.one("paper_template_missing", "--template")
    again = _claimed(document, block)
    formed = form_of(again, block.language, version, form, template)
    if _contents(formed, form) != _contents(content, form):
        raise Invalid.one("paper_altered", "--check", file=path.name)
    return Checked(SAME, block, document)


def _claimed(document: Document, block: Block) -> Document:
    """The document, asked for as the file says it was."""
    try:
        made_at = parse_instant(block.made_at)
    except ValueError as error:
        raise Invalid.one("paper_unreadable") from error
    return evolve(document, made_at=made_at, by=block.by, purpose=block.purpose, mark=block.mark)


def _contents(content: bytes, form: str) -> Mapping[str, bytes]:
    """What is compared: of an archive its parts, however they were packed."""
    try:
        return {"": content} if form == HTML else parts_of(content)
    except zipfile.BadZipFile as error:
        raise Invalid.one("paper_unreadable") from error
