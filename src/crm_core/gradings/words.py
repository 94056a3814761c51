"""The sentences of an explanation, in Chinese and English; all are templates."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from crm_core.gradings.criteria import Change, Counterfactual
from crm_core.gradings.review import Standing
from crm_core.kernel.money import yuan_from_fen
from crm_core.kernel.rules import Criterion, Value

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
    "zh": {
        "computed": "由规则计算",
        "awaiting_confirmation": "待客户服务经理和客户总监确认",
        "confirmed": "已由人确认",
        "contested": "业主有异议，正在复核，在此期间不作不利使用",
        "overridden": "由人另行决定",
        "provisional": "业主拒绝仅由规则作出决定，待人确认前为暂定",
    },
    "en": {
        "computed": "computed by rule",
        "awaiting_confirmation": "awaiting confirmation by manager and director",
        "confirmed": "confirmed by a person",
        "contested": "contested and under review, without adverse use meanwhile",
        "overridden": "decided otherwise by a person",
        "provisional": "provisional until a person confirms it, as the owner asked",
    },
}

_FACT = {
    "zh": {
        "attention": "关注度",
        "type": "客户类型",
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
        "type": "customer type",
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

_COMPARED = {
    "zh": {
        "above": "高于 {threshold}",
        "at_least": "不低于 {threshold}",
        "at_least_percent_of": "不低于 {threshold}",
        "at_most": "不高于 {threshold}",
        "is": "为{threshold}",
        "no_better_than": "不优于 {threshold}",
        "no_worse_than": "不劣于 {threshold}",
        "one_of": "为{threshold}之一",
    },
    "en": {
        "above": "above {threshold}",
        "at_least": "{threshold} or more",
        "at_least_percent_of": "{threshold} or more",
        "at_most": "{threshold} or less",
        "is": "{threshold}",
        "no_better_than": "{threshold} or worse",
        "no_worse_than": "{threshold} or better",
        "one_of": "one of {threshold}",
    },
}

_SENTENCE = {
    "zh": {
        "grade": "{household} 户 {year} 年度：{layer}，{type}；{status}。",
        "applied": "现按{layer}、{type}执行；上述为按标准计算的结果，以下标准不说明人的决定。",
        "until": "该决定至 {until} 止。",
        "review": "复核 {review}：{result}，理由：{reason}。",
        "credit": "{day} 信用等级为 {credit}，欠费 {days} 天、{overdue} 元；年内最低为 {worst}。",
        "dealings": "年内服务消费 {purchases} 元（上年 {previous} 元），提出事项 {attention} 件。",
        "decisive": "起决定作用的标准：{criteria}。",
        "criterion": "{fact} {value}（要求{needed}，{met}）",
        "met": "符合",
        "not_met": "不符合",
        "way": "如果{changes}，则为{layer}。",
        "change": "{fact}为 {to}（现为 {value}）",
        "and": "，且",
        "list": "；",
        "or": "、",
        "suggested": "客户类型由规则建议，未经人确认",
        "type_confirmed": "客户类型经人确认；规则建议为{type}",
        "upheld": "维持",
        "corrected": "更正",
        "overridden": "另行决定",
    },
    "en": {
        "grade": "Household {household} in {year}: layer {layer}, type {type}; {status}.",
        "applied": "What holds is layer {layer}, type {type}; the computed result stays beside it,"
        " and its criteria do not explain what a person decided.",
        "until": "That ends after {until}.",
        "review": "Review {review}: {result}, because: {reason}.",
        "credit": "On {day} the credit grade was {credit}, {days} days and {overdue} yuan overdue;"
        " the worst of the year was {worst}.",
        "dealings": "Purchases of the year were {purchases} yuan (the year before: {previous});"
        " matters raised: {attention}.",
        "decisive": "What decided: {criteria}.",
        "criterion": "{fact} {value} (needed {needed}: {met})",
        "met": "met",
        "not_met": "not met",
        "way": "With {changes} it would have been {layer}.",
        "change": "{fact} at {to} (now {value})",
        "and": " and ",
        "list": "; ",
        "or": ", ",
        "suggested": "type suggested by rule, not confirmed by a person",
        "type_confirmed": "type confirmed by a person; the rule suggested {type}",
        "upheld": "upheld",
        "corrected": "corrected",
        "overridden": "overridden",
    },
}


def sentences(
    standing: Standing,
    applied: Iterable[Criterion],
    ways: Iterable[Counterfactual],
    lang: Lang = "en",
) -> list[str]:
    """The grading in sentences: what, why, and what would have changed it.

    Args:
        applied: The criteria that gave the layer.
        ways: What would have given another one.
    """
    grading = standing.grading
    facts, outcome = grading.facts, grading.outcome
    words = _SENTENCE[lang]
    said = [
        words["grade"].format(
            household=grading.household,
            year=grading.year,
            layer=LAYER[lang][outcome.layer],
            type=TYPE[lang][outcome.type],
            status=STATUS[lang][standing.status],
        ),
        *_by_people(standing, lang),
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
    criteria = words["list"].join(_criterion(criterion, lang) for criterion in applied)
    if criteria:
        said.append(words["decisive"].format(criteria=criteria))
    for way in ways:
        changes = words["and"].join(_change(change, lang) for change in way.changes)
        said.append(words["way"].format(changes=changes, layer=LAYER[lang][way.layer]))
    return said


def suggested(standing: Standing, lang: Lang = "en") -> str:
    """Whether the type is a suggestion of the rule or was confirmed (GRD-02)."""
    if not standing.type_confirmed:
        return _SENTENCE[lang]["suggested"]
    computed = standing.grading.outcome.type
    return _SENTENCE[lang]["type_confirmed"].format(type=TYPE[lang][computed])


def _by_people(standing: Standing, lang: Lang) -> Iterable[str]:
    words = _SENTENCE[lang]
    if standing.differs:
        yield words["applied"].format(
            layer=LAYER[lang][standing.layer], type=TYPE[lang][standing.type]
        )
    if standing.override is not None and standing.override.until is not None:
        yield words["until"].format(until=standing.override.until.isoformat())
    for review in standing.reviews:
        yield words["review"].format(
            review=review.review, result=words[review.result], reason=review.reason
        )


def _criterion(criterion: Criterion, lang: Lang) -> str:
    words = _SENTENCE[lang]
    needed = (
        words["or"].join(_value(criterion.fact, one, lang) for one in criterion.threshold)
        if isinstance(criterion.threshold, tuple)
        else _value(criterion.fact, criterion.threshold, lang)
    )
    return words["criterion"].format(
        fact=_FACT[lang][criterion.fact],
        value=_value(criterion.fact, criterion.value, lang),
        needed=_COMPARED[lang][str(criterion.op)].format(threshold=needed),
        met=words["met" if criterion.met else "not_met"],
    )


def _change(change: Change, lang: Lang) -> str:
    return _SENTENCE[lang]["change"].format(
        fact=_FACT[lang][change.fact],
        value=_value(change.fact, change.value, lang),
        to=_value(change.fact, change.to, lang),
    )


def _value(fact: str, value: Value, lang: Lang) -> str:
    if fact == "type":
        return TYPE[lang][str(value)]
    if fact.endswith("_fen") and isinstance(value, int):
        return yuan_from_fen(value)
    return str(value)
