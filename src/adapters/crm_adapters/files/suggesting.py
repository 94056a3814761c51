"""Proposing a mapping for files from what is seen in them, to be looked over and saved (IMP-03).

What cannot be told from the file is left to whoever looks it over, as a comment beside its place.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

from attrs import evolve, field

from crm_adapters.files.cells import cell_codes
from crm_adapters.files.finding import Declared, input_paths
from crm_adapters.files.forms import form
from crm_adapters.files.kinds import KINDS
from crm_adapters.files.leniency import READINGS, Manner, reread
from crm_adapters.files.opening import open_tables
from crm_adapters.files.recognising import SEARCHED, kind_of
from crm_adapters.files.rows.kind import FileKind
from crm_adapters.files.sheets import Table, is_blank
from crm_adapters.files.telling import showable
from crm_adapters.files.texts import LinesBroken
from crm_adapters.files.vocabulary import folded, headers_of, is_total, kind_named, values_of
from crm_core.errors import Fault, Invalid
from crm_core.kernel.sentences import Lang, Malformed, say
from crm_core.kernel.values import define

LOOKED_AT: Final = 2_000
"""Rows from which a mapping is proposed."""

WORDS_MAX: Final = 50
"""Different words of a column that are listed."""

_DAYS = ("M/D/YYYY", "D/M/YYYY", "M-D-YYYY", "D-M-YYYY", "D.M.YYYY", "YY-M-D", "YY/M/D")
_TIMES = ("", " h:mm", " h:mm:ss", " h:mm AM", " h:mm:ss AM")
_LENIENT = Manner(frozenset(READINGS))


def suggest(paths: Iterable[Path], declared: Declared, lang: Lang) -> str:
    """A mapping file for the tables of some files, with comments in that language.

    Raises:
        Invalid: one of the files cannot be read.
    """
    paths = [*paths]
    proposals = []
    for path in input_paths(paths):
        if not path.is_file():
            raise Invalid([Fault("file_missing", str(path))])
        tables = open_tables(path, declared.encoding_of(path), lenient=True)
        for table in tables:
            if table.fault is not None:
                raise Invalid([evolve(table.fault[1], where=table.name)])
            proposals.append(_Proposal.of(table, declared, len(tables)))
    if not proposals:
        raise Invalid([Fault("folder_empty", str(path)) for path in paths])
    return "\n".join(_written(proposals, declared, lang)) + "\n"


@define
class _Proposal:
    """What is proposed for one table.

    Args:
        columns: Header of each column that is known.
        left: Headers that nothing is known of.
        words: Of columns of a few words those that nobody knows.
        readings: Readings that its cells need.
        forms: Forms of dates that its cells need.
        doubtful: Forms of which each takes all dates of a column, so that the file does not tell.
        unread: Columns whose cells cannot be read by any of them.
    """

    table: Table
    kind: FileKind
    columns: dict[str, str] = field(factory=dict)
    left: list[str] = field(factory=list)
    words: dict[str, list[str]] = field(factory=dict)
    readings: set[str] = field(factory=set)
    forms: list[str] = field(factory=list)
    doubtful: dict[str, list[str]] = field(factory=dict)
    unread: list[str] = field(factory=list)

    @classmethod
    def of(cls, table: Table, declared: Declared, tables: int) -> _Proposal:
        """What is proposed for a table of a file of so many."""
        try:
            rows = [cells for _, cells in islice(table.lines(), LOOKED_AT) if not is_blank(cells)]
        except LinesBroken as error:
            raise Invalid([evolve(error.fault, where=f"{table.name}:{error.row}")]) from None
        if not rows:
            raise Invalid([Fault("file_empty", table.name)])
        by_name = kind_named(table.sheet) or (kind_named(table.path.stem) if tables == 1 else None)
        kind = declared.kind or by_name or kind_of(table) or _likeliest(rows)
        proposal = cls(table, kind)
        proposal._look(rows, _header_at(rows, kind))
        return proposal

    def _look(self, rows: Sequence[Sequence[str]], at: int) -> None:
        known = headers_of(self.kind)
        header = [cell.strip() for cell in rows[at]]
        below = [cells for cells in rows[at + 1 :] if not is_total(_first(cells))]
        for place, title in enumerate(header):
            column = known.get(folded(title), "") if title else ""
            if column and column not in self.columns:
                self.columns[column] = title
                cells = [c[place].strip() for c in below if place < len(c) and c[place].strip()]
                self._look_into(column, list(dict.fromkeys(cells)))
            elif title:
                self.left.append(title)

    def _look_into(self, column: str, texts: Sequence[str]) -> None:
        cell = cell_codes(self.kind.row)[column]
        if cell.words:
            meant = values_of(self.kind).get(column, {})
            new = [t for t in texts if t not in cell.words and folded(t) not in meant]
            if new:
                self.words[column] = [t for t in new if showable(self.kind, column, t)][:WORDS_MAX]
            return
        odd = [text for text in texts if not _is_strict(cell.parse, text)]
        found = [reread(cell, text, _LENIENT) for text in odd]
        needed = {name for one in found if one is not None for name in one[1]}
        hard = [text for text, one in zip(odd, found, strict=True) if one is None]
        if hard and cell.code in ("date_malformed", "instant_malformed"):
            fitting = [text for text in _forms() if all(form(text).read(day) for day in hard)]
            if len(fitting) > 1:
                self.doubtful[column] = fitting
            elif fitting and fitting[0] not in self.forms:
                self.forms += fitting
            hard = [] if fitting else hard
        self.readings |= needed
        if len(hard) * 10 > len(texts):
            self.unread.append(column)


def _is_strict(parse: Callable[[str], object], text: str) -> bool:
    try:
        parse(text)
    except Malformed:
        return False
    return True


def _forms() -> list[str]:
    return [day + time for day in _DAYS for time in _TIMES]


def _first(cells: Sequence[str]) -> str:
    return next(cell for cell in cells if cell and not cell.isspace()).strip()


def _likeliest(rows: Sequence[Sequence[str]]) -> FileKind:
    """The kind of which a row near the beginning has the largest part of the columns."""
    titles = [{folded(cell) for cell in cells if cell} for cells in rows[:SEARCHED]]

    def part(kind: FileKind) -> float:
        known = headers_of(kind)
        most = max(len({known[t] for t in row if t in known} & {*kind.required}) for row in titles)
        return most / len(kind.required)

    return max(KINDS, key=part)


def _header_at(rows: Sequence[Sequence[str]], kind: FileKind) -> int:
    """The row with the most known headers; where none has any, the first that is the fullest."""
    known = headers_of(kind)
    near = rows[:SEARCHED]
    scores = [len({known[folded(c)] for c in cells if c and folded(c) in known}) for cells in near]
    if max(scores):
        return scores.index(max(scores))
    filled = [sum(bool(cell.strip()) for cell in cells) for cells in near]
    return filled.index(max(filled))


def _written(proposals: Sequence[_Proposal], declared: Declared, lang: Lang) -> Iterator[str]:
    yield f"# {say('suggestions', 'look_over', lang)}"
    encodings = {declared.encoding_of(one.table.path) for one in proposals}
    if encodings != {"utf-8"}:
        yield f"encoding = {_quoted(min(encodings))}"
    seen = {one.what for p in proposals for one in p.table.seen.counts}
    if "gb18030" in seen:
        yield 'encoding = "gb18030"'
    separators = {p.table.separator for p in proposals if "separator_found" in _seen(p)}
    for separator in sorted(separators):
        yield f"separator = {_quoted(separator)}"
    readings = sorted({name for one in proposals for name in one.readings})
    if readings:
        yield f"readings = [{', '.join(map(_quoted, readings))}]"
    if "zone_assumed" in readings:
        yield f"# {say('suggestions', 'zone', lang)}"
        yield '# zone = "Asia/Shanghai"'
    if any("estate" in p.kind.columns and "estate" not in p.columns for p in proposals):
        yield f"# {say('suggestions', 'estate', lang)}"
        yield '# estate = "…"'
    told = [one for one in proposals if one.columns] or proposals
    for proposal in proposals:
        if proposal not in told:
            sheet = proposal.table.sheet or proposal.table.file
            yield f"# {say('suggestions', 'sheet_left', lang, sheet=sheet)}"
    for proposal in told:
        yield ""
        yield from _table(proposal, lang)


def _seen(proposal: _Proposal) -> set[str]:
    return {one.what for one in proposal.table.seen.counts}


def _table(proposal: _Proposal, lang: Lang) -> Iterator[str]:
    kind = proposal.kind
    yield "[[tables]]"
    yield f"kind = {_quoted(kind.name)}"
    if proposal.table.sheet:
        yield f"sheet = {_quoted(proposal.table.sheet)}"
    if proposal.forms:
        yield f"dates = [{', '.join(map(_quoted, proposal.forms))}]"
    for column, forms in proposal.doubtful.items():
        title = proposal.columns[column]
        yield f"# {say('suggestions', 'dates_doubtful', lang, column=title, forms=forms)}"
        yield f"# dates = [{_quoted(forms[0])}]"
    for column in proposal.unread:
        title = proposal.columns[column]
        yield f"# {say('suggestions', 'unread', lang, column=title)}"
    yield ""
    yield "[tables.columns]"
    for column in kind.columns:
        if column in proposal.columns:
            yield f"{column} = {_quoted(proposal.columns[column])}"
    missing = [c for c in kind.required if c not in proposal.columns and c != "estate"]
    if missing:
        yield f"# {say('suggestions', 'columns_missing', lang, left=proposal.left)}"
        for column in missing:
            yield f'# {column} = "…"'
    for column, words in proposal.words.items():
        accepted = cell_codes(kind.row)[column].words
        yield ""
        yield f"[tables.values.{column}]"
        yield f"# {say('suggestions', 'words_unknown', lang, accepted=accepted)}"
        for word in words:
            yield f'# {_quoted(word)} = "…"'


def _quoted(text: str) -> str:
    """A text as TOML has it, which is as JSON has it."""
    return json.dumps(text, ensure_ascii=False)
