"""The rules of a plan once more, slowly and from the whole past: written from the rules alone.

Nothing of the library is used. What happened is a list of acts that were accepted, each with who
did it; whether the next one is accepted is asked of the whole list. The words of the rules stand
beside it (PLN-02, PLN-03, LOG-08).
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Done(NamedTuple):
    """An act that was accepted.

    Args:
        what: open, suggest, draft, pass, return, approve, reject, drop, spend, take_back.
        who: The id of who did it; roles play no part.
        role: In which role.
        more: Named persons of a draft; the amount and number of spending; the version.
    """

    what: str
    who: str
    role: str
    more: tuple[Any, ...] = ()


MAY = {
    "open": {"specialist", "supervisor", "manager", "director"},
    "suggest": {"specialist", "supervisor", "manager", "director"},
    "draft": {"supervisor", "manager", "director"},
    "pass": {"manager"},
    "return": {"manager"},
    "approve": {"director"},
    "reject": {"director"},
    "drop": {"supervisor", "manager", "director"},
    "spend": {"specialist", "supervisor", "manager", "director", "finance"},
    "take_back": {"supervisor", "manager", "director"},
}


def accepted(past: list[Done], act: Done) -> bool:
    """Whether an act stands, given all that happened before."""
    if act.role not in MAY[act.what]:
        return False
    if act.what == "open":
        return not past
    if not past or ended(past):
        return False
    return _ASKED[act.what](past, act)


def ended(past: list[Done]) -> bool:
    """A plan that was given up before any version of it was approved is no plan any more."""
    for n, one in enumerate(past):
        if one.what == "drop" and not any(before.what == "approve" for before in past[:n]):
            return True
    return False


def hands(past: list[Done]) -> set[str]:
    """Whoever began, suggested, drafted, or is named to carry something out."""
    found = {one.who for one in past if one.what in ("open", "suggest", "draft")}
    for one in past:
        if one.what == "draft":
            found |= set(one.more[0])
    return found


def waiting(past: list[Done]) -> tuple[str, int]:
    """What the last version waits for (`review`, `approval`, `refinement`), and which it is."""
    version, waits = 0, ""
    for one in past:
        if one.what == "draft":
            version, waits = version + 1, "review"
        elif one.what == "pass":
            waits = "approval"
        elif one.what in ("return", "reject"):
            waits = "refinement"
        elif one.what in ("approve", "drop"):
            waits = ""
    return waits, version


def budget(past: list[Done]) -> int | None:
    """The budget of the version that was approved last; None if none was."""
    found = costs(past)
    return None if found is None else sum(found.values())


def costs(past: list[Done]) -> dict[str, int] | None:
    """What each measure of that version may cost."""
    drafts, found = [one.more[1] for one in past if one.what == "draft"], None
    for one in past:
        if one.what == "approve":
            found = drafts[one.more[0] - 1]
    return found


def spent(past: list[Done], measure: str = "") -> int:
    """What was spent and not taken back; on one measure, if one is named."""
    taken = {one.more[0] for one in past if one.what == "take_back"}
    return sum(
        one.more[1]
        for one in past
        if one.what == "spend" and one.more[0] not in taken and measure in ("", one.more[2])
    )


def covers(drafted: dict[str, int], past: list[Done]) -> bool:
    """Whether a version costs no less than was spent: in all, and on each measure."""
    each = all(cost >= spent(past, measure) for measure, cost in drafted.items())
    return each and sum(drafted.values()) >= spent(past)


def _draft(past: list[Done], act: Done) -> bool:
    helped = {one.who for one in past if one.what in ("open", "suggest")}
    return bool(helped - {act.who}) and covers(act.more[1], past)


def _review(past: list[Done], act: Done) -> bool:
    return waiting(past) == ("review", act.more[0]) and act.who not in hands(past)


def _decide(past: list[Done], act: Done) -> bool:
    reviewed = {one.who for one in past if one.what in ("pass", "return")}
    return waiting(past) == ("approval", act.more[0]) and act.who not in hands(past) | reviewed


def _approve(past: list[Done], act: Done) -> bool:
    drafts = [one.more[1] for one in past if one.what == "draft"]
    return _decide(past, act) and covers(drafts[act.more[0] - 1], past)


def _drop(past: list[Done], _act: Done) -> bool:
    return budget(past) is None or waiting(past)[0] != ""


def _spend(past: list[Done], act: Done) -> bool:
    may = costs(past)
    number, amount, measure = act.more
    new = all(one.more[0] != number for one in past if one.what == "spend")
    if may is None or not new or amount <= 0:
        return False
    return amount <= min(sum(may.values()) - spent(past), may[measure] - spent(past, measure))


def _take_back(past: list[Done], act: Done) -> bool:
    by = [one.who for one in past if one.what == "spend" and one.more[0] == act.more[0]]
    taken = any(one.what == "take_back" and one.more[0] == act.more[0] for one in past)
    return bool(by) and by[0] != act.who and not taken


_ASKED = {
    "suggest": lambda _past, _act: True,
    "draft": _draft,
    "pass": _review,
    "return": _review,
    "approve": _approve,
    "reject": _decide,
    "drop": _drop,
    "spend": _spend,
    "take_back": _take_back,
}
