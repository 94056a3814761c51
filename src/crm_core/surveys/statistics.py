"""What a survey says: careless answers dropped and counted, rates and an index with intervals.

Everything is computed in whole numbers and fractions, so the same answers give the same figures on
every machine; what is shown is in ten-thousandths, limits of intervals rounded outwards.

- Rate of an item: satisfied / valid, with the score interval of Wilson (1927, JASA 22: 209-212).
- Rate as a whole: of the item that asks for it; else of all scales together, where what one
  household says of several things hangs together: Wilson's interval with the effective number of
  answers p(1-p)/v (Franco et al. 2019, J. Surv. Stat. Methodol. 7: 334-364), with v the linearised
  variance of a ratio over households (Cochran 1977, Sampling Techniques, 6.3).
- Index: mean / steps, in hundredths of the best; 20 times the mean on five steps. Its interval is
  the mean plus and minus z standard errors, by the same variance, within what is possible.

No correction is made for how few households there are: intervals are rather too wide.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import ceil, floor, isqrt

from crm_core.kernel.values import frozen
from crm_core.surveys.policy import Careless, SurveyPolicy
from crm_core.surveys.questionnaire import JOINT, SCALE, Filled, Item, Questionnaire

WHOLE = 10_000
"""What shares and the index are told in: ten-thousandths."""

SAME, HURRIED, HALF_EMPTY = "same", "hurried", "half_empty"
CARELESS = (SAME, HURRIED, HALF_EMPTY)
"""Why an answer is dropped (SUR-03)."""


@frozen
class Share:
    """A part of a whole, with an interval; nothing of it where the whole is empty.

    Args:
        part: How many.
        whole: Of how many.
        value: In ten-thousandths, to the nearest.
        low: The interval begins here, rounded down.
        high: It ends here, rounded up.
    """

    part: int
    whole: int
    value: int | None = None
    low: int | None = None
    high: int | None = None


@frozen
class Index:
    """The mean on a scale against its best, in ten-thousandths, with an interval.

    Args:
        answers: How many it is the mean of.
        low: None where one household alone answered.
    """

    answers: int
    value: int | None = None
    low: int | None = None
    high: int | None = None


@frozen
class ItemResult:
    """What was answered to one question.

    Args:
        valid: How many answered it.
        left_out: How many of those whose answers count did not.
        counts: How often each answer was given, or chosen, by its code; nothing of written ones.
        satisfied: On a scale.
        index: On a scale.
    """

    item: str
    kind: str
    valid: int
    left_out: int
    counts: dict[str, int]
    satisfied: Share | None = None
    index: Index | None = None


@frozen
class Result:
    """What answers say together.

    Args:
        answers: How many there were.
        dropped: How many of them do not count.
        by_rule: How many each rule finds careless; several may find the same answer so.
        satisfied: The rate as a whole.
        index: The index as a whole.
        items: By question; empty where there are too few answers to tell of.
    """

    answers: int
    dropped: int
    by_rule: dict[str, int]
    satisfied: Share
    index: Index
    items: tuple[ItemResult, ...]

    @property
    def counting(self) -> int:
        """How many answers count."""
        return self.answers - self.dropped


# --- careless answers --------------------------------------------------------------------------


def careless(answer: Filled, asked: Questionnaire, rules: Careless) -> tuple[str, ...]:
    """Why an answer is careless, by the rules that find it so; nothing where none does (SUR-03)."""
    found = []
    scales = [
        mark
        for item, mark in zip(asked.marked, answer.marks, strict=True)
        if item.kind == SCALE and mark
    ]
    if 0 < rules.same_items_min <= len(scales) and len(set(scales)) == 1:
        found.append(SAME)
    limit = rules.seconds_per_item_min * len(asked.items)
    if answer.seconds is not None and answer.seconds < limit:
        found.append(HURRIED)
    needed = [
        value
        for items, values in ((asked.marked, answer.marks), (asked.written, answer.texts))
        for item, value in zip(items, values, strict=True)
        if item.required
    ]
    answered = sum(bool(value) for value in needed)
    if answered * 1000 < rules.answered_per_mille_min * len(needed):
        found.append(HALF_EMPTY)
    return tuple(found)


def is_dissatisfied(marks: Sequence[str], asked: Questionnaire, policy: SurveyPolicy) -> bool:
    """Whether who answered so is dissatisfied: as many of the worst steps count as of the best.

    By the item that asks for the whole; where none does, more scales are answered by the worst
    steps than by the best.
    """
    steps = policy.satisfied_steps
    worst = best = 0
    for item, mark in zip(asked.marked, marks, strict=True):
        if item.kind == SCALE and mark and asked.overall in ("", item.item):
            worst += int(mark) <= steps
            best += _is_best(int(mark), item.steps, steps)
    return worst > best


# --- the result --------------------------------------------------------------------------------


def result(answers: Iterable[Filled], asked: Questionnaire, policy: SurveyPolicy) -> Result:
    """What the answers say, careless ones dropped and counted."""
    every = list(answers)
    by_rule: Counter[str] = Counter()
    kept = []
    for answer in every:
        why = careless(answer, asked, policy.careless)
        by_rule.update(why)
        if not why:
            kept.append(answer)
    told = kept if len(kept) >= policy.cell_min else []
    z = Fraction(policy.z_thousandths, 1000)
    satisfied, index = _overall(told, asked, policy.satisfied_steps, z)
    return Result(
        answers=len(every),
        dropped=len(every) - len(kept),
        by_rule={rule: by_rule[rule] for rule in CARELESS},
        satisfied=satisfied,
        index=index,
        items=tuple(_items(told, asked, policy.satisfied_steps, z)) if told else (),
    )


def _items(
    kept: Sequence[Filled], asked: Questionnaire, best: int, z: Fraction
) -> list[ItemResult]:
    found = []
    for place, item in enumerate(asked.marked):
        marks = [answer.marks[place] for answer in kept if answer.marks[place]]
        left_out = len(kept) - len(marks)
        if item.kind == SCALE:
            found.append(_scale(item, marks, left_out, best, z))
            continue
        chosen = Counter(code for mark in marks for code in mark.split(JOINT))
        counts = {code: chosen[code] for code in item.accepted}
        found.append(ItemResult(item.item, item.kind, len(marks), left_out, counts))
    for place, item in enumerate(asked.written):
        written = sum(bool(answer.texts[place]) for answer in kept)
        found.append(ItemResult(item.item, item.kind, written, len(kept) - written, {}))
    order = [one.item for one in asked.items]
    return sorted(found, key=lambda one: order.index(one.item))


def _scale(item: Item, marks: Sequence[str], left_out: int, best: int, z: Fraction) -> ItemResult:
    each = [(int(mark), 1, item.steps) for mark in marks]
    counted = Counter(marks)
    return ItemResult(
        item=item.item,
        kind=item.kind,
        valid=len(marks),
        left_out=left_out,
        counts={step: counted[step] for step in item.accepted},
        satisfied=share(sum(_is_best(step, steps, best) for step, _, steps in each), len(each), z),
        index=_index([(Fraction(step, steps), 1) for step, _, steps in each], z),
    )


def _is_best(step: int, steps: int, best: int) -> bool:
    return step > steps - best


def _overall(
    kept: Sequence[Filled], asked: Questionnaire, best: int, z: Fraction
) -> tuple[Share, Index]:
    """Satisfaction as a whole: by the item that asks for it, else by all scales together."""
    satisfied: list[tuple[Fraction, int]] = []
    means: list[tuple[Fraction, int]] = []
    for answer in kept:
        marks = [
            (int(mark), item.steps)
            for item, mark in zip(asked.marked, answer.marks, strict=True)
            if item.kind == SCALE and mark and asked.overall in ("", item.item)
        ]
        if marks:
            good = sum(_is_best(step, steps, best) for step, steps in marks)
            satisfied.append((Fraction(good), len(marks)))
            means.append((sum((Fraction(*mark) for mark in marks), Fraction()), len(marks)))
    part, whole = sum(int(y) for y, _ in satisfied), sum(m for _, m in satisfied)
    if all(m == 1 for _, m in satisfied):
        return share(part, whole, z), _index(means, z)
    ratio, variance = _ratio(satisfied)
    effective = Fraction(len(satisfied))
    if variance:
        effective = Fraction(ratio * (1 - ratio), variance)
    return _interval(part, whole, effective, z), _index(means, z)


def share(part: int, whole: int, z: Fraction) -> Share:
    """A share with the score interval of Wilson."""
    return _interval(part, whole, Fraction(whole), z)


def _interval(part: int, whole: int, effective: Fraction, z: Fraction) -> Share:
    if not whole:
        return Share(part, whole)
    p, n = Fraction(part, whole), effective
    if not n:
        n = Fraction(1)
    middle = p + Fraction(z * z, 2 * n)
    half = z * _root(Fraction(p * (1 - p), n) + Fraction(z * z, 4 * n * n))
    widened = 1 + Fraction(z * z, n)
    low, high = _outwards(Fraction(middle - half, widened), Fraction(middle + half, widened))
    return Share(part, whole, _nearest(p), low, high)


def _index(means: Sequence[tuple[Fraction, int]], z: Fraction) -> Index:
    """Of sums of what a household says, each with of how many scales."""
    answers = sum(m for _, m in means)
    if not answers:
        return Index(0)
    mean, variance = _ratio(means)
    if len(means) < 2:
        return Index(answers, _nearest(mean))
    half = z * _root(variance)
    low, high = _outwards(mean - half, mean + half)
    return Index(answers, _nearest(mean), low, high)


def _ratio(sums: Sequence[tuple[Fraction, int]]) -> tuple[Fraction, Fraction]:
    """A ratio over households and its linearised variance, n/(n-1) sum((y - r m)^2) / sum(m)^2."""
    n, whole = len(sums), sum(m for _, m in sums)
    if not whole:
        return Fraction(), Fraction()
    ratio = Fraction(sum((y for y, _ in sums), Fraction()), whole)
    if n < 2:
        return ratio, Fraction()
    # One fraction for each kind of household: thousands of them say the same.
    squares = sum(
        (count * (y - ratio * m) ** 2 for (y, m), count in Counter(sums).items()), Fraction()
    )
    return ratio, Fraction(n, n - 1) * Fraction(squares, whole**2)


_DIGITS = 10**12


def _root(value: Fraction) -> Fraction:
    """The square root to twelve digits behind the point, rounded down."""
    return Fraction(isqrt(value.numerator * _DIGITS**2 // value.denominator), _DIGITS)


def _nearest(value: Fraction) -> int:
    return floor(value * WHOLE + Fraction(1, 2))


def _outwards(low: Fraction, high: Fraction) -> tuple[int, int]:
    return max(0, floor(low * WHOLE)), min(WHOLE, ceil(high * WHOLE))
