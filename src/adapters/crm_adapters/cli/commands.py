"""Every command of `crm`, in the groups of its help, and the module that has it.

A module is loaded when one of its commands is used, so that help and short commands begin at once.
What each command does stands in the family `cli-help` of the catalogue of sentences.
"""

from __future__ import annotations

GROUPS = {
    "set_up": {
        "create": "logs",
        "demo": "demo",
        "generate": "files",
        "import": "files",
        "imports": "imports",
        "keys": "keys",
        "migrate": "history",
        "policy": "adoption",
        "undo": "imports",
    },
    "look": {
        "account": "payments",
        "ageing": "payments",
        "arrears": "owing",
        "care": "care",
        "changes": "owing",
        "credit": "gradings",
        "credit-table": "payments",
        "directory": "studies",
        "export": "exporting",
        "find": "looking",
        "grades": "gradings",
        "greeting": "requests",
        "improvement": "requests",
        "limitation": "payments",
        "messages": "messages",
        "plans": "care",
        "preferences": "messages",
        "purchases": "owing",
        "report": "gradings",
        "request": "requests",
        "runs": "gradings",
        "sample": "owners",
        "segments": "owners",
        "show": "history",
        "statistics": "requests",
        "todo": "todo",
        "visits": "visits",
        "waiting": "reviews",
        "warnings": "requests",
    },
    "decide": {
        "affected": "gradings",
        "confirm": "reviews",
        "confirm-type": "reviews",
        "contest": "reviews",
        "fairness": "studies",
        "grade": "gradings",
        "propose-type": "reviews",
        "provisional": "requests",
        "quota": "studies",
        "replace-record": "gradings",
        "review": "reviews",
        "shares": "studies",
        "uplift": "reviews",
        "what-if": "studies",
    },
    "act": {
        "automatic": "reviews",
        "cover": "requests",
        "do": "acts",
        "erase": "erasing",
        "export-person": "privacy",
        "incident": "incidents",
        "preference": "messages",
        "survey": "surveys",
    },
    "prove": {
        "data-map": "mapping",
        "explain": "gradings",
        "history": "history",
        "replay": "gradings",
        "verify": "history",
        "who-saw": "looking",
    },
    "run": {
        "backup": "logs",
        "doctor": "doctor",
        "notify": "messages",
        "projections": "projections",
        "relay": "relay",
        "tick": "requests",
        "work": "projections",
    },
}
"""Commands and their modules by what they are there for; `help_GROUP` says that to people."""

COMMANDS = {name: module for group in GROUPS.values() for name, module in group.items()}
