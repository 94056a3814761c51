"""Who sees what, typed by hand from PRV-01 and research 7.7, and not from the policy file.

Line: "personal (the desk by job, purpose stated)", "service (for the case in hand)", and so on. The
letters of a cell are the conditions under which a role sees a class of data:

    .  never                     A  always
    P  for a purpose of theirs   C  for the case in hand
    N  under a number alone      O  of their own household
    L  outside lists of households
"""

from __future__ import annotations

CLASSES = (
    "household", "number", "code", "time", "policy", "digest", "staff",          # company
    "statistic",                                                                  # statistics
    "label", "place", "money", "opinion", "text", "evidence", "person", "name",   # service
    "purchase", "grade", "contact", "detail", "staff_contact",                    # personal
)  # fmt: skip

COMPANY = {"household", "number", "code", "time", "policy", "digest", "staff"}
STAFF = (
    "specialist", "supervisor", "manager", "director", "custodian", "operator", "finance", "sales",
    "engineering", "security", "cleaning",
)  # fmt: skip

SEES: dict[str, dict[str, str]] = {
    # PRV-01: by job, with a purpose; for the case in hand the service tier without one
    "specialist": {
        "label": "PC", "place": "PC", "money": "PC", "opinion": "PC", "text": "PC",
        "evidence": "PC", "person": "PC", "name": "PC", "purchase": "P", "grade": "P",
        "contact": "P", "detail": "P", "staff_contact": "P",
    },
    # front line: instructions and where to go, a masked phone; no amounts, no opinions, no grades
    "engineering": {
        "label": "C", "place": "C", "text": "C", "evidence": "C", "person": "C", "name": "C",
        "contact": "C",
    },
    # accounts: amounts, who owes and how to reach them; no grade (PAY-14), no purchases
    "finance": {
        "label": "P", "place": "P", "money": "P", "text": "P", "evidence": "P", "person": "P",
        "name": "P", "contact": "P",
    },
    # files and rights: everything, for these purposes
    "custodian": {
        "label": "P", "place": "P", "money": "P", "opinion": "P", "text": "P", "evidence": "P",
        "person": "P", "name": "P", "purchase": "P", "grade": "P", "contact": "P",
        "detail": "P", "staff_contact": "P",
    },
    "sales": {"label": "P", "place": "P", "person": "P", "name": "P", "contact": "P"},
    # the host's account: what is not personal; gradings under a number alone
    "host": {
        "label": "A", "place": "L", "money": "A", "opinion": "A", "text": "A", "evidence": "A",
        "person": "A", "purchase": "N", "grade": "N",
    },
    # an auditor: what decisions rest on, never who; gradings under a number alone
    "auditor": {
        "label": "P", "money": "P", "opinion": "P", "person": "P", "evidence": "P",
        "purchase": "N", "grade": "N",
    },
    # those who act for a household: all of their own, and nothing of anybody else
    "owner": {
        "label": "O", "place": "O", "money": "O", "opinion": "O", "text": "O", "evidence": "O",
        "person": "O", "name": "O", "purchase": "O", "grade": "O", "contact": "O",
        "detail": "O", "staff_contact": "O",
    },
}  # fmt: skip
SEES["supervisor"] = {
    **SEES["specialist"], "purchase": "PN", "grade": "PN",
}  # fmt: skip
SEES["manager"] = SEES["director"] = SEES["supervisor"]
SEES["operator"] = SEES["security"] = SEES["cleaning"] = SEES["engineering"]
# what sends messages opens names and numbers for what is sent
SEES["system"] = {**SEES["host"], "name": "P", "contact": "P", "staff_contact": "P"}
SEES["user"] = SEES["owner"]

DESK_PURPOSES = {
    "accounts", "apology", "care", "collection", "emergency", "file", "grading", "incident",
    "legal", "payment", "rights", "service", "survey", "marketing",
}  # fmt: skip
PURPOSES: dict[str, set[str]] = {
    "specialist": DESK_PURPOSES,
    "supervisor": DESK_PURPOSES,
    "manager": DESK_PURPOSES,
    "director": DESK_PURPOSES,
    "finance": {"accounts", "collection", "payment"},
    "custodian": {"file", "incident", "legal", "rights"},
    "sales": {"marketing"},
    "auditor": {"audit"},
    "system": {
        "apology", "care", "collection", "emergency", "marketing", "payment", "service", "survey",
        "work",
    },
}  # fmt: skip
"""For which purposes a `P` holds."""

REACHING_STAFF = {"supervisor", "manager", "director"}
"""Who leads reaches staff for work and in an emergency, besides."""

ALL_PURPOSES = sorted({*DESK_PURPOSES, "audit", "own", "work"})


def sees(
    role: str,
    data: str,
    purpose: str | None,
    *,
    own: bool = False,
    case: bool = False,
    listed: bool = False,
    joined: bool = False,
) -> bool:
    """Whether a role sees a class of data, by the table above."""
    if data == "statistic":
        return True
    if data in COMPANY:
        return own if role in ("owner", "user") else True
    cell = SEES[role].get(data, "")
    reaches = (
        role in REACHING_STAFF and data == "staff_contact" and purpose in ("work", "emergency")
    )
    return (
        "A" in cell
        or ("L" in cell and not listed)
        or ("N" in cell and not joined)
        or ("C" in cell and case)
        or ("O" in cell and own)
        or ("P" in cell and purpose in PURPOSES.get(role, set()))
        or reaches
    )
