"""Refusals that every slice gives in the same way, under the rule of the one that gives them."""

from __future__ import annotations

from collections.abc import Sequence

from crm_core.kernel.decider import Refusal


def unknown(what: str, value: str, known: Sequence[str], *, rule: str) -> Refusal:
    """The value is none of those that are known: code `unknown_WHAT`."""
    return Refusal(f"unknown_{what}", rule, {"value": value, "accepted": list(known)})


def no_reason(rule: str, doing: str = "") -> Refusal:
    """Whoever corrects, rejects or withdraws says why: code `reason_missing`.

    Args:
        doing: What needs the reason, where the rule has several sentences for it.
    """
    return Refusal("reason_missing", rule, sentence=f"reason_missing_{doing}" if doing else "")
