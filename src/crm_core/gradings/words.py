"""The sentences of an explanation, in Chinese and English; all are templates."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from crm_core.gradings.criteria import Change, Counterfactual
from crm_core.gradings.events import GradingDecided
from crm_core.kernel.money import yuan_from_fen
from crm_core.kernel.rules import Value

Lang = Literal["zh", "en"]

LAYER = {
    "zh": {
        "important": "重要客户",
        "main": "主要客户",
        "ordinary": "普通客户",
        "small": "小客户",
        "insufficient": "资料不足",
    },
    "en": {
        "important": "important",
        "main": "main",
        "ordinary": "ordinary",
        "small": "small",
        "insufficient": "insufficient data",
    },
}

TYPE = {
    "zh": {
        "lively": "活泼型",
        "cautious": "谨慎型",
        "ordinary": "普通型",
        "problem": "问题型",
    },
    "en": {
        "lively": "lively",
        "cautious": "cautious",
        "ordinary": "ordinary",
        "problem": "problem",
    },
}

STATUS = {
    "zh": {"computed": "由规则计算", "awaiting_confirmation": "待客户服务经理和客户总监确认"},
    "en": {
        "computed": "computed by rule",
        "awaiting_confirmation": "awaiting confirmation by manager and director",
    },
}

_FACT = {
    "zh": {
        "attention": "关注度",
        "b2_entries": "进入B2级及以下的次数",
        "charges_due": "本年应缴账单数",
        "conduct": "经确认的不良记录",
        "credit": "信用等级",
        "interests": "经同意登记的意向",
        "overdue_days": "欠费天数",
        "overdue_fen": "欠费金额",
        "previous_purchases_fen": "上年服务消费",
        "purchases_fen": "本年服务消费",
        "worst_credit": "本年最低信用等级",
    },
    "en": {
        "attention": "matters raised",
        "b2_entries": "times at B2 or worse",
        "charges_due": "charges due in the year",
        "conduct": "confirmed bad records",
        "credit": "credit grade",
        "interests": "interests kept with consent",
        "overdue_days": "days overdue",
        "overdue_fen": "amount overdue",
        "previous_purchases_fen": "purchases of the year before",
        "purchases_fen": "purchases of the year",
        "worst_credit": "worst credit grade of the year",
    },
}

_SENTENCE = {
    "zh": {
        "grade": "{household} 户 {year} 年度：{layer}，{type}；{status}。",
        "credit": "{day} 信用等级为 {credit}，欠费 {days} 天、{overdue} 元；年内最低为 {worst}。",
        "dealings": "年内服务消费 {purchases} 元（上年 {previous} 元），提出事项 {attention} 件。",
        "way": "如果{changes}，则为{layer}。",
        "change": "{fact}为 {to}（现为 {value}）",
        "and": "，且",
    },
    "en": {
        "grade": "Household {household} in {year}: layer {layer}, type {type}; {status}.",
        "credit": "On {day} the credit grade was {credit}, {days} days and {overdue} yuan overdue;"
        " the worst of the year was {worst}.",
        "dealings": "Purchases of the year were {purchases} yuan (the year before: {previous});"
        " matters raised: {attention}.",
        "way": "With {changes} it would have been {layer}.",
        "change": "{fact} at {to} (now {value})",
        "and": " and ",
    },
}


def sentences(
    grading: GradingDecided, ways: Iterable[Counterfactual], lang: Lang = "en"
) -> list[str]:
    """The grading in sentences: what, why, and what would have changed it."""
    facts, outcome = grading.facts, grading.outcome
    words = _SENTENCE[lang]
    said = [
        words["grade"].format(
            household=grading.household,
            year=grading.year,
            layer=LAYER[lang][outcome.layer],
            type=TYPE[lang][outcome.type],
            status=STATUS[lang][outcome.status],
        ),
        words["credit"].format(
            day=grading.period_end.isoformat(),
            credit=facts.credit,
            days=facts.overdue_days,
            overdue=yuan_from_fen(facts.overdue_fen),
            worst=facts.worst_credit,
        ),
        words["dealings"].format(
            purchases=yuan_from_fen(facts.purchases_fen),
            previous=yuan_from_fen(facts.previous_purchases_fen),
            attention=facts.attention,
        ),
    ]
    for way in ways:
        changes = words["and"].join(_change(change, lang) for change in way.changes)
        said.append(words["way"].format(changes=changes, layer=LAYER[lang][way.layer]))
    return said


def _change(change: Change, lang: Lang) -> str:
    return _SENTENCE[lang]["change"].format(
        fact=_FACT[lang][change.fact],
        value=_value(change.fact, change.value),
        to=_value(change.fact, change.to),
    )


def _value(fact: str, value: Value) -> str:
    if fact.endswith("_fen") and isinstance(value, int):
        return yuan_from_fen(value)
    return str(value)
