"""Which sentences an explanation has; they stand in `explanations.toml` of the catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from crm_core.gradings.criteria import Change, Counterfactual
from crm_core.gradings.review import Standing
from crm_core.kernel.rules import Criterion, Value
from crm_core.kernel.sentences import Lang, say
from crm_core.kernel.sentences import sentences as catalogue
from crm_core.kernel.yuan import yuan_shown

_FAMILY = "explanations"


def layer_name(layer: str, lang: Lang = "en") -> str:
    """The word for a layer; its code where a company's own policy has a layer of its own."""
    return _word("layer", layer, lang)


def type_name(type: str, lang: Lang = "en") -> str:
    """The word for a customer type."""
    return _word("type", type, lang)


def status_name(status: str, lang: Lang = "en") -> str:
    """The word for the status of a grading."""
    return _word("status", status, lang)


def sentences(
    standing: Standing,
    applied: Iterable[Criterion],
    ways: Iterable[Counterfactual],
    lang: Lang = "en",
    *,
    of_record: bool = True,
) -> list[str]:
    """The grading in sentences: what, why, and what would have changed it.

    Args:
        applied: The criteria that gave the layer.
        ways: What would have given another one.
        of_record: Whether the grading is that of a run of record, or of a trial.
    """
    grading = standing.grading
    facts, outcome = grading.facts, grading.outcome
    said = [
        _say(
            "grade",
            lang,
            household=grading.household,
            year=grading.year,
            layer=layer_name(outcome.layer, lang),
            type=type_name(outcome.type, lang),
            status=status_name(standing.status, lang),
        ),
        *([] if of_record else [_say("trial", lang)]),
        *_by_people(standing, lang),
        _say(
            "credit",
            lang,
            day=grading.period_end.isoformat(),
            credit=facts.credit,
            days=facts.overdue_days,
            overdue=facts.overdue_fen,
            worst=facts.worst_credit,
        ),
        _say(
            "dealings",
            lang,
            purchases=facts.purchases_fen,
            previous=facts.previous_purchases_fen,
            attention=facts.attention,
            complaints=facts.complaints,
        ),
    ]
    criteria = _say("list", lang).join(_criterion(criterion, lang) for criterion in applied)
    if criteria:
        said.append(_say("decisive", lang, criteria=criteria))
    for way in ways:
        changes = _say("and", lang).join(_change(change, lang) for change in way.changes)
        said.append(_say("way", lang, changes=changes, layer=layer_name(way.layer, lang)))
    return said


def suggested(standing: Standing, lang: Lang = "en") -> str:
    """Whether the type is a suggestion of the rule or was confirmed (GRD-02)."""
    if not standing.type_confirmed:
        return _say("suggested", lang)
    computed = standing.grading.outcome.type
    return _say("suggestion_confirmed", lang, type=type_name(computed, lang))


def _by_people(standing: Standing, lang: Lang) -> Iterable[str]:
    if standing.differs:
        yield _say(
            "applied",
            lang,
            layer=layer_name(standing.layer, lang),
            type=type_name(standing.type, lang),
        )
    if standing.override is not None and standing.override.until is not None:
        yield _say("until", lang, until=standing.override.until.isoformat())
    for review in standing.reviews:
        yield _say(
            "review",
            lang,
            review=review.review,
            result=_say(f"result_{review.result}", lang),
            reason=review.reason,
        )


def criterion_name(name: str, lang: Lang) -> str:
    """What a criterion is asked for: the table of the policy, and the outcome that it would have.

    Args:
        name: `table.outcome.fact`, as an explanation gives it.
    """
    table, _, rest = name.partition(".")
    outcome = rest.rpartition(".")[0]
    return _say(
        "outcome",
        lang,
        table=_word("table", table, lang),
        outcome=value_told(table, outcome, lang),
    )


def fact_name(fact: str, lang: Lang) -> str:
    """The word for a fact."""
    return _word("fact", fact, lang)


def value_told(fact: str, value: Value, lang: Lang) -> str:
    """A value of a fact as people read it: amounts in yuan, words in their language."""
    if fact in ("type", "layer"):
        return _word(fact, str(value), lang)
    if fact in ("attention_level", "prospect"):
        return _word("level", str(value), lang)
    if fact.endswith("_fen") and isinstance(value, int):
        return yuan_shown(value)
    return str(value)


def needed(fact: str, op: str, threshold: Value | Sequence[Value], lang: Lang) -> str:
    """What a fact has to be, like `不低于 20,000.00`."""
    several = [threshold] if isinstance(threshold, str | int) else threshold
    told = _say("or", lang).join(value_told(fact, one, lang) for one in several)
    return _say(f"compared_{op}", lang, threshold=told)


def _criterion(criterion: Criterion, lang: Lang) -> str:
    fact = criterion.fact
    return _say(
        "criterion",
        lang,
        fact=fact_name(fact, lang),
        value=value_told(fact, criterion.value, lang),
        needed=needed(fact, criterion.op, criterion.threshold, lang),
        met=_say("met" if criterion.met else "not_met", lang),
    )


def _change(change: Change, lang: Lang) -> str:
    return _say(
        "change",
        lang,
        fact=fact_name(change.fact, lang),
        value=value_told(change.fact, change.value, lang),
        to=value_told(change.fact, change.to, lang),
    )


def _word(kind: str, code: str, lang: Lang) -> str:
    key = f"{kind}_{code}"
    return _say(key, lang) if key in catalogue(_FAMILY) else code


def _say(code: str, lang: Lang, **values: Any) -> str:
    return say(_FAMILY, code, lang, **values)
