"""Every command of `crm`: the module that has it, and what it does in a line.

A module is loaded when one of its commands is used, so that help and short commands begin at once.
"""

from __future__ import annotations

from typing import NamedTuple


class Command(NamedTuple):
    """Where a command is, and the first paragraph of its own help."""

    module: str
    help: str


COMMANDS = {
    "account": Command(
        "payments", "A household's account on a day: every movement with the balance after it."
    ),
    "affected": Command(
        "gradings", "Recorded gradings that facts known by now would change; nothing is changed."
    ),
    "arrears": Command(
        "payments",
        "What was unpaid on a day, by bucket, household and estate; households by number only.",
    ),
    "automatic": Command(
        "reviews",
        "Refuse decisions made by rule alone, as the owner, or accept them again.",
    ),
    "confirm": Command(
        "reviews",
        "Confirm a grading in person: the top layer, as manager and as director, or a provisional.",
    ),
    "confirm-type": Command(
        "reviews",
        "Confirm the type that was proposed, as a supervisor, manager or director.",
    ),
    "contest": Command(
        "reviews",
        "Dispute a grading, as the owner, and so open a review.",
    ),
    "cover": Command("requests", "When nobody answers a line that is staffed 24 hours."),
    "credit": Command("gradings", "Credit grades on a day, as known at an instant."),
    "credit-table": Command("payments", "Write the credit table (信用等级表) of a day."),
    "demo": Command(
        "demo", "The main job: import an estate, grade its year, replay it, explain a grade."
    ),
    "directory": Command(
        "studies", "The directory of graded customers on any day, each with the layer that holds."
    ),
    "explain": Command(
        "gradings", "Why a household has its grade: criteria, values, thresholds, events."
    ),
    "fairness": Command(
        "studies", "Shares by attributes that no grading sees, and worse grades after complaints."
    ),
    "generate": Command("files", "Write the import files of a generated estate."),
    "grade": Command("gradings", "Grade every household for a calendar year."),
    "grades": Command("gradings", "The recorded gradings of a year."),
    "history": Command(
        "history", "Events of a stream (`account/V00001`) or about a household (`V00001`)."
    ),
    "import": Command("files", "Import files or folders of them: all of it, or nothing."),
    "limitation": Command(
        "payments",
        "Until when each overdue charge can be sued for; what has ended has days below zero.",
    ),
    "messages": Command(
        "messages",
        "What a household was told or is still to be told, and what was withheld; without one,"
        " all.",
    ),
    "migrate": Command(
        "history", "Bring the tables of a log made by an earlier version forward; no event changes."
    ),
    "notify": Command(
        "messages", "Keep sending households the messages that are due, until told to end."
    ),
    "policy": Command(
        "adoption", "Grading policies: drafted, assessed, approved, effective, superseded."
    ),
    "preference": Command(
        "messages",
        "Keep what a member agrees to be told, or refuses.",
    ),
    "preferences": Command(
        "messages",
        "What the members of a household agreed to and refused, oldest first.",
    ),
    "projections": Command(
        "projections", "Show how far everything that follows the log has come, and mend it."
    ),
    "propose-type": Command(
        "reviews",
        "Propose a household's customer type, as a specialist.",
    ),
    "quota": Command(
        "studies",
        "Allot a year's households to layers of the expected sizes; the gradings stay as they are.",
    ),
    "relay": Command(
        "relay", "Publish the events of the log, in order, each once; sealed values stay sealed."
    ),
    "replay": Command("gradings", "Decide recorded gradings again and compare the bytes."),
    "report": Command("gradings", "Write a self-contained page about a year's gradings."),
    "request": Command(
        "requests",
        "A request with its status, its clocks, every verdict, and how the time was counted.",
    ),
    "review": Command(
        "reviews",
        "Decide a review, as a supervisor, manager or director who had no part in the grading.",
    ),
    "shares": Command(
        "studies", "Shares of the layers beside the expected ones: a report, not a quota."
    ),
    "show": Command("history", "The file of a household as it stands, or as it stood."),
    "statistics": Command("requests", "Requests of a period by trade, kind, place and staff."),
    "tick": Command(
        "requests",
        "Record what the clock alone has brought about; running it twice records nothing twice.",
    ),
    "uplift": Command(
        "reviews",
        "Lift a household by one layer for promises kept, as a manager or director.",
    ),
    "verify": Command("history", "Read every stored byte again: chain, versions, order, root."),
    "waiting": Command(
        "reviews",
        "Gradings that wait for a person: a type, the top layer, a review, a provisional grading.",
    ),
    "warnings": Command("requests", "Places and trades in which more than usual happened."),
    "what-if": Command(
        "studies", "Try a candidate policy over recorded years; nothing is written."
    ),
    "work": Command("projections", "Keep reactions and views up with the log until told to end."),
}
