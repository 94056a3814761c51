"""The HTML report of a yearly run: one page that needs nothing but itself.

It says who is in which layer and why, what is owed, and who moved, in English and Chinese.
It is a function of the log and the run alone: no clock is asked, so the same log and run give the
same bytes. Personal values are sealed in events that are not read here; households appear by
their numbers, and of a place only the estate is named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from attrs import frozen
from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup, escape

from crm_adapters.outputs import written_whole
from crm_core.application.runs import GradingRun
from crm_core.crm import CRM
from crm_core.errors import Invalid
from crm_core.gradings.criteria import AWAITING
from crm_core.gradings.events import EVENTS as GRADINGS
from crm_core.gradings.events import GradingDecided
from crm_core.gradings.explain import explanation
from crm_core.gradings.policy import GRADES, INSUFFICIENT, TYPES, GradingPolicy
from crm_core.gradings.record import OF_RECORD
from crm_core.gradings.review import Standing
from crm_core.gradings.words import layer_name, type_name
from crm_core.kernel.dates import Period, instant_text, zone
from crm_core.owners.events import EVENTS as OWNERS
from crm_core.owners.events import HouseholdRegistered
from crm_core.payments.credit import CreditPolicy

LISTED_MAX = 200
"""Households in the graded list: enough to look at; `crm grades` gives all of them."""

MOVED_MAX = 100
"""Households listed as moved."""

POSITIONS_MAX = 6
"""Log positions shown behind a criterion; of more their number is given."""

BAR_MIN = 0.6
"""Narrowest bar, in percent, of what is not nothing: one household of thousands is still seen."""

_HEAT = (0, 2, 10, 25, 50)
"""Steps of shading in percent of all households: above the first, the second, and so on."""

Word = tuple[str, str]
"""English and Chinese of one thing."""

LANGUAGES = ("both", "en", "zh")

FACTS: Mapping[str, Word] = {
    "attention": ("matters raised", "关注度"),
    "attention_level": ("attention", "关注程度"),
    "b2_entries": ("times at B2 or worse", "进入B2级及以下的次数"),
    "charges_due": ("charges due in the year", "本年应缴账单数"),
    "complaints": ("complaints", "投诉件数"),
    "conduct": ("confirmed bad records", "经确认的不良记录"),
    "credit": ("credit grade at year end", "年末信用等级"),
    "interests": ("interests kept with consent", "经同意登记的意向"),
    "layer": ("layer", "层级"),
    "overdue_days": ("days overdue", "欠费天数"),
    "overdue_fen": ("amount overdue", "欠费金额"),
    "previous_purchases_fen": ("purchases of the year before", "上年服务消费"),
    "prospect": ("prospect", "发展前景"),
    "purchases_fen": ("purchases of the year", "本年服务消费"),
    "type": ("type", "客户类型"),
    "worst_credit": ("worst credit grade of the year", "本年最低信用等级"),
}
"""Facts, and what the decision tables derive from them."""

OPERATORS: Mapping[str, Word] = {
    "above": ("above", "高于"),
    "at_least": ("at least", "不低于"),
    "at_least_percent_of": ("at least (in proportion)", "不低于（按比例）"),
    "at_most": ("at most", "不高于"),
    "is": ("is", "为"),
    "no_better_than": ("no better than", "不优于"),
    "no_worse_than": ("no worse than", "不差于"),
    "one_of": ("one of", "属于"),
}

LEVELS: Mapping[str, Word] = {
    "high": ("high", "高"),
    "limited": ("limited", "有限"),
    "low": ("low", "低"),
}

STATUSES: Mapping[str, Word] = {
    "awaiting_confirmation": ("awaiting confirmation", "待确认"),
    "computed": ("computed", "已计算"),
    "confirmed": ("confirmed", "已确认"),
    "contested": ("contested", "有异议"),
    "overridden": ("overridden", "另行决定"),
    "provisional": ("provisional", "暂定"),
}

STANDINGS: Mapping[str, Word] = {
    "of_record": ("the run of record", "正式批次"),
    "preview": ("a preview, not recorded", "预览，未写入"),
    "trial": ("a trial; it is not what holds", "试评，不作为依据"),
}

_STORED = {kind.cls: kind.stored for kind in (*OWNERS, *GRADINGS)}


@frozen
class Bar:
    """One line of a table with a bar.

    Args:
        key: The value counted, e.g. `main`.
        name: Its words.
        note: What it covers, if that is said.
        households: How many.
        share: Of all households, as text.
        width: Of the bar, in percent.
        yuan: Amount, where one is shown; with share and width of its own.
    """

    key: str
    name: Word
    households: str
    share: str
    width: str
    note: Word = ("", "")
    yuan: str = ""
    yuan_share: str = ""
    yuan_width: str = ""


@frozen
class Cell:
    """One cell of a matrix: its text and how dark it is, from 0 to 5."""

    text: str
    heat: int


@frozen
class MatrixRow:
    """One row of a matrix, with its sum."""

    key: str
    name: Word
    cells: tuple[Cell, ...]
    total: str


@frozen
class Moved:
    """One household whose layer is another than before."""

    household: str
    before: Word
    after: Word
    direction: Word


@frozen
class Movement:
    """A run beside the recorded one of an earlier year."""

    year: int
    run: str
    both: str
    bars: tuple[Bar, ...]
    columns: tuple[Word, ...]
    rows: tuple[MatrixRow, ...]
    moved: tuple[Moved, ...]
    more: str


@frozen
class CriterionLine:
    """One criterion of an explained household."""

    table: Word
    outcome: Word
    fact: Word
    value: Word
    op: Word
    threshold: Word
    met: bool
    evidence: str
    more: str


@frozen
class Explained:
    """One household with the reasons for its layer."""

    household: str
    layer: Word
    key: str
    english: tuple[str, ...]
    chinese: tuple[str, ...]
    criteria: tuple[CriterionLine, ...]
    met: int


@frozen
class ListedHousehold:
    """One line of the graded list."""

    household: str
    layer: Word
    key: str
    status: Word
    type: Word
    credit: str
    worst_credit: str
    purchases: str
    attention: str
    overdue_days: str
    overdue: str


@frozen
class EstateLine:
    """The households of one estate."""

    name: str
    households: str
    layers: tuple[str, ...]
    paid_up: str


def write_report(path: Path, crm: CRM, run: GradingRun, lang: str = "both", mark: str = "") -> None:
    """Write the report of a run as one self-contained page.

    Args:
        path: Where to; a page that is there is replaced, whole or not at all.
        crm: The log the run is recorded in, and the policies it pins.
        run: The run, as `CRM.grade` or `CRM.grades` gives it.
        lang: `both`, `en` or `zh`.
        mark: Who had it made, when, and what for (PRV-10); all else follows from log and run.

    Raises:
        Invalid: the page cannot be written there, or the language is another.
        UnknownPolicy, PolicyDigestMismatch: the run's policy is not at hand.
    """
    write_whole(Path(path), render_report(crm, run, lang, mark).encode("utf-8"))


def render_report(crm: CRM, run: GradingRun, lang: str = "both", mark: str = "") -> str:
    """The page as text."""
    if lang not in LANGUAGES:
        raise Invalid.one("language_unknown", "lang", lang=lang, accepted=list(LANGUAGES))
    policy = crm.gradings.policy(run.policy)
    credit = _credit_policy(crm, run, policy)
    layers = (*policy.layers, INSUFFICIENT)
    gradings = run.gradings
    total = len(gradings)
    paid_up = sum(1 for g in gradings if g.facts.credit == GRADES.values[0])
    known = run.cutoff.known
    return _template().render(
        say=_Speech(lang),
        lang=lang,
        run=run,
        standing=STANDINGS[run.standing],
        period=Period.of_year(run.year),
        credit=credit.ref,
        known=instant_text(known),
        known_local=known.astimezone(zone(crm.zone)).strftime("%Y-%m-%d %H:%M:%S"),
        zone=crm.zone,
        position=f"{run.cutoff.position:,}",
        head=f"{crm.log.head():,}",
        total=f"{total:,}",
        awaiting=f"{sum(1 for g in gradings if run.of(g).status == AWAITING):,}",
        confirmed=_value("layer", policy.needs_confirmation),
        by_layer=_bars(Counter(g.outcome.layer for g in gradings), layers, _layer, total),
        by_type=_bars(Counter(g.outcome.type for g in gradings), TYPES, _type, total),
        ageing=_ageing(gradings, credit),
        overdue=yuan(sum(g.facts.overdue_fen for g in gradings)),
        owing=f"{total - paid_up:,}",
        owing_share=_share(total - paid_up, total),
        paid_up=f"{paid_up:,}",
        paid_up_share=_share(paid_up, total),
        grades=[_same(grade) for grade in GRADES.values],
        course=_course(gradings),
        **_course_counts(gradings),
        layers=[_layer(layer) for layer in layers],
        estates=_estates(crm, run, layers),
        movement=_movement(crm, run, layers),
        explained=[_explained(run, run.of(g), policy) for g in _examples(gradings, layers)],
        listed=_listed(run, layers),
        unlisted=f"{max(total - LISTED_MAX, 0):,}",
        listed_max=LISTED_MAX,
        moved_max=MOVED_MAX,
        mark=mark,
    )


def yuan(fen: int) -> str:
    """An amount in yuan, with separators between thousands."""
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100:,}.{abs(fen) % 100:02d}"


# --- words -------------------------------------------------------------------------------------


@frozen
class _Speech:
    """Says everything in the languages of the page, English first; whatever is said is escaped."""

    lang: str

    def __call__(self, english: str, chinese: str, /, **values: Any) -> Markup:
        """A sentence written in the template, with values in its braces."""
        return self._both(*(escape(text).format(**values) for text in (english, chinese)))

    def word(self, word: Word) -> Markup:
        """Words that come from policies or the log; braces in them mean nothing."""
        return self._both(escape(word[0]), escape(word[1]))

    def plain(self, word: Word) -> str:
        """Words without marks, for the titles of pictures."""
        if self.lang == "both":
            return word[0] if word[0] == word[1] else f"{word[0]} {word[1]}"
        return word[0] if self.lang == "en" else word[1]

    def _both(self, english: Markup, chinese: Markup) -> Markup:
        if english == chinese:
            return english
        if self.lang == "en":
            return english
        if self.lang == "zh":
            return chinese
        return Markup(
            '<span class="en">{}</span> <span class="zh" lang="zh-Hans">{}</span>'
        ).format(english, chinese)


def _layer(name: str) -> Word:
    return layer_name(name, "en"), layer_name(name, "zh")


def _type(name: str) -> Word:
    return type_name(name, "en"), type_name(name, "zh")


def _same(name: str) -> Word:
    return name, name


def _value(fact: str, value: Any) -> Word:
    """What was seen, or what it was compared with, in words."""
    if isinstance(value, list | tuple):
        words = [_value(fact, item) for item in value]
        return ", ".join(word[0] for word in words), "、".join(word[1] for word in words)
    if fact == "layer":
        return _layer(value)
    if fact == "type":
        return _type(value)
    if fact in ("attention_level", "prospect"):
        return LEVELS.get(str(value), _same(str(value)))
    if fact.endswith("_fen"):
        return f"{yuan(value)} yuan", f"{yuan(value)} 元"
    return _same(f"{value:,}" if isinstance(value, int) else str(value))


def _span(credit: CreditPolicy, index: int) -> Word:
    """How long the oldest unpaid charge is overdue in a bucket of the credit table."""
    if index == 0:
        return "nothing overdue", "不欠费"
    before = credit.buckets[index - 1].upto or 0
    upto = credit.buckets[index].upto
    if credit.unit == "days":
        if upto is None:
            return f"over {before} days", f"{before} 天以上"
        return f"{before + 1} to {upto} days", f"{before + 1} 至 {upto} 天"
    if upto is None:
        return f"over {before} months", f"{before} 个月以上"
    if before == 0:
        return f"up to {upto} months", f"{upto} 个月以内"
    return f"over {before}, up to {upto} months", f"{before} 个月以上至 {upto} 个月"


# --- counting ----------------------------------------------------------------------------------


def _credit_policy(crm: CRM, run: GradingRun, policy: GradingPolicy) -> CreditPolicy:
    if run.gradings:
        return crm.policies.pinned(CreditPolicy, run.gradings[0].credit_policy)
    return crm.policies.find(CreditPolicy, policy.credit, Period.of_year(run.year).end)


def _share(count: int, total: int) -> str:
    return f"{count * 100 / total:.1f} %" if total else "–"


def _width(count: int, total: int) -> str:
    if count <= 0 or total <= 0:
        return "0"
    return f"{max(count * 100 / total, BAR_MIN):.2f}"


def _bar(key: str, name: Word, count: int, total: int) -> Bar:
    return Bar(key, name, f"{count:,}", _share(count, total), _width(count, total))


def _bars(counts: Counter[str], keys: Iterable[str], words: Any, total: int) -> list[Bar]:
    return [_bar(key, words(key), counts[key], total) for key in keys]


def _ageing(gradings: Sequence[GradingDecided], credit: CreditPolicy) -> list[Bar]:
    """Households and arrears by credit grade: an arrear counts with the age of the oldest one."""
    households = Counter(g.facts.credit for g in gradings)
    fen: Counter[str] = Counter()
    for grading in gradings:
        fen[grading.facts.credit] += grading.facts.overdue_fen
    total, owed = len(gradings), sum(fen.values())
    return [
        Bar(
            bucket.grade,
            _same(bucket.grade),
            f"{households[bucket.grade]:,}",
            _share(households[bucket.grade], total),
            _width(households[bucket.grade], total),
            _span(credit, index),
            yuan(fen[bucket.grade]),
            _share(fen[bucket.grade], owed),
            _width(fen[bucket.grade], owed),
        )
        for index, bucket in enumerate(credit.buckets)
    ]


def _matrix(
    counts: Counter[tuple[str, str]], rows: Iterable[tuple[str, Word]], columns: Iterable[str]
) -> tuple[MatrixRow, ...]:
    columns = tuple(columns)
    total = sum(counts.values())
    return tuple(
        MatrixRow(
            key,
            name,
            tuple(_cell(counts[key, column], total) for column in columns),
            f"{sum(counts[key, column] for column in columns):,}",
        )
        for key, name in rows
    )


def _cell(count: int, total: int) -> Cell:
    percent = count * 100 / total if total else 0
    return Cell(f"{count:,}", sum(1 for step in _HEAT if percent > step))


def _course(gradings: Sequence[GradingDecided]) -> tuple[MatrixRow, ...]:
    """Worst credit grade of the year (rows) beside that of its last day (columns)."""
    counts = Counter((g.facts.worst_credit, g.facts.credit) for g in gradings)
    return _matrix(counts, ((grade, _same(grade)) for grade in GRADES.values), GRADES.values)


def _course_counts(gradings: Sequence[GradingDecided]) -> dict[str, str]:
    best = GRADES.values[0]
    late = [g for g in gradings if g.facts.worst_credit != best]
    return {
        "late": f"{len(late):,}",
        "late_share": _share(len(late), len(gradings)),
        "recovered": f"{sum(1 for g in late if g.facts.credit == best):,}",
    }


def _estates(crm: CRM, run: GradingRun, layers: Sequence[str]) -> list[EstateLine]:
    """Households by estate, in the order of the estates' names."""
    estate_of: dict[str, str] = {}
    registered = _STORED[HouseholdRegistered]
    for recorded in crm.log.feed(upto=run.cutoff.position, names=[registered]):
        estate_of.setdefault(recorded.household, recorded.event.estate)
    by_estate: dict[str, Counter[str]] = {}
    paid_up: Counter[str] = Counter()
    for grading in run.gradings:
        estate = estate_of.get(grading.household)
        if estate is None:
            continue
        by_estate.setdefault(estate, Counter())[grading.outcome.layer] += 1
        paid_up[estate] += grading.facts.credit == GRADES.values[0]
    return [
        EstateLine(
            estate,
            f"{counts.total():,}",
            tuple(f"{counts[layer]:,}" for layer in layers),
            _share(paid_up[estate], counts.total()),
        )
        for estate, counts in sorted(by_estate.items())
    ]


# --- movement ----------------------------------------------------------------------------------

_NEW, _GONE = "new", "gone"

_UP: Word = ("to a better layer", "升级")
_STAYED: Word = ("same layer", "不变")
_DOWN: Word = ("to a lower layer", "降级")
_OTHER: Word = ("to or from insufficient data", "转入或转出资料不足")


def _movement(crm: CRM, run: GradingRun, layers: Sequence[str]) -> Movement | None:
    """What changed since the run of record of the nearest earlier year; None if there is none."""
    records = crm.gradings.records().by_year
    year = max((year for year in records if year < run.year), default=None)
    if year is None:
        return None
    before = _layers_of(crm, records[year])
    after = {grading.household: grading.outcome.layer for grading in run.gradings}
    both = [household for household in after if household in before]
    directions = Counter(_direction(before[h], after[h], layers) for h in both)
    moved = [h for h in sorted(both) if before[h] != after[h]]
    counts = Counter((before.get(h, _NEW), layer) for h, layer in after.items())
    counts.update((layer, _GONE) for h, layer in before.items() if h not in after)
    names = [(layer, _layer(layer)) for layer in layers]
    others = [(layer, _layer(layer)) for layer in sorted(set(before.values()) - set(layers))]
    rows = [*names, *others, (_NEW, (f"not graded in {year}", f"{year} 年未评级"))]
    gone = (f"not graded in {run.year}", f"{run.year} 年未评级")
    return Movement(
        year,
        records[year],
        f"{len(both):,}",
        tuple(
            _bar(key, word, directions[word], len(both))
            for key, word in (
                ("up", _UP),
                ("stayed", _STAYED),
                ("down", _DOWN),
                ("other", _OTHER),
            )
        ),
        (*(name for _, name in names), gone),
        _matrix(counts, rows, (*layers, _GONE)),
        tuple(
            Moved(h, _layer(before[h]), _layer(after[h]), _direction(before[h], after[h], layers))
            for h in moved[:MOVED_MAX]
        ),
        f"{max(len(moved) - MOVED_MAX, 0):,}",
    )


def _layers_of(crm: CRM, run: str) -> dict[str, str]:
    """Layers as a run recorded them: one pass, nothing else is kept."""
    layers = {}
    for recorded in crm.log.feed(names=[_STORED[GradingDecided]]):
        if recorded.event.run == run:
            layers[recorded.event.household] = recorded.event.outcome.layer
    return layers


def _direction(before: str, after: str, layers: Sequence[str]) -> Word:
    if before == after:
        return _STAYED
    if INSUFFICIENT in (before, after) or not {before, after} <= set(layers):
        return _OTHER
    return _UP if layers.index(after) < layers.index(before) else _DOWN


# --- households --------------------------------------------------------------------------------


def _examples(
    gradings: Sequence[GradingDecided], layers: Sequence[str]
) -> Iterable[GradingDecided]:
    """The first household of each layer, best layer first."""
    first: dict[str, GradingDecided] = {}
    for grading in gradings:
        first.setdefault(grading.outcome.layer, grading)
    return [first[layer] for layer in layers if layer in first]


def _explained(run: GradingRun, now: Standing, policy: GradingPolicy) -> Explained:
    grading, of_record = now.grading, run.standing == OF_RECORD
    said = explanation(now, policy, "clerk", "en", of_record=of_record)
    chinese = explanation(now, policy, "owner", "zh", of_record=of_record)
    return Explained(
        grading.household,
        _layer(grading.outcome.layer),
        grading.outcome.layer,
        tuple(said["sentences"]),
        tuple(chinese["sentences"]),
        tuple(_criterion(c) for c in said["criteria"]),
        sum(1 for c in said["criteria"] if c["met"]),
    )


def _criterion(criterion: Mapping[str, Any]) -> CriterionLine:
    table, outcome, _ = criterion["name"].split(".", 2)
    fact, evidence = criterion["fact"], criterion["evidence"]
    shown = " ".join(str(position) for position in evidence[:POSITIONS_MAX])
    return CriterionLine(
        FACTS.get(table, _same(table)),
        _value(table, outcome),
        FACTS.get(fact, _same(fact)),
        _value(fact, criterion["value"]),
        OPERATORS.get(criterion["op"], _same(criterion["op"])),
        _value(fact, criterion["threshold"]),
        criterion["met"],
        shown,
        f"{len(evidence):,}" if len(evidence) > POSITIONS_MAX else "",
    )


def _listed(run: GradingRun, layers: Sequence[str]) -> list[ListedHousehold]:
    """The first households by layer, then by number."""
    rank = {layer: index for index, layer in enumerate(layers)}
    ordered = sorted(
        run.gradings, key=lambda g: (rank.get(g.outcome.layer, len(rank)), g.household)
    )
    return [
        ListedHousehold(
            g.household,
            _layer(g.outcome.layer),
            g.outcome.layer,
            STATUSES[run.of(g).status],
            _type(g.outcome.type),
            g.facts.credit,
            g.facts.worst_credit,
            yuan(g.facts.purchases_fen),
            f"{g.facts.attention:,}",
            f"{g.facts.overdue_days:,}",
            yuan(g.facts.overdue_fen),
        )
        for g in ordered[:LISTED_MAX]
    ]


# --- page and file -----------------------------------------------------------------------------


@cache
def _template() -> Template:
    source = (files(__package__) / "report.html.j2").read_text(encoding="utf-8")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(source)


def write_whole(path: Path, page: bytes) -> None:
    """Put the page there at once: a reader sees the old one or the new one, never a part.

    Raises:
        Invalid: something lies there that may not be replaced, or it cannot be written.
    """
    try:
        written_whole(path, page, where="--out")
    except OSError as error:
        raise Invalid.one(
            "report_unwritable", "--out", file=str(path), why=error.strerror or ""
        ) from error
