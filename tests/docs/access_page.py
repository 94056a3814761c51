"""The page of the access policy, rendered from the shipped table."""

# ruff: noqa: E501 - lines of a page, as they stand in it

from __future__ import annotations

from crm_core.application.access import shipped_access
from crm_core.kernel.access import REASONS
from crm_core.kernel.sentences import say

HEAD = """# Who may see what

The access policy that is shipped, `{ref}` (PRV-01).
A row grants: to its roles, of its tiers and classes of data ([data map](data-map.md)), for its purposes, under its condition.
Nothing is shown that no row grants; of several that fit the first one explains the grant.
This page is rendered from the policy, and a test keeps it so; [how it is used](../how-to/see-and-log.md).

Digest: `{digest}`.

| row | roles | tiers and classes | purposes | condition |
|---|---|---|---|---|
"""

CONDITIONS = {
    "": "",
    "alone": "under a household number, with neither place, name nor contact",
    "case": "an open request of the household is theirs",
    "own": "of their own household",
}


def render() -> str:
    """The page as text."""
    policy = shipped_access()
    rows = []
    for grant in policy.grants:
        what = ", ".join([*(f"all {tier}" for tier in grant.tiers), *grant.classes])
        said = [
            CONDITIONS[grant.condition],
            "" if grant.lists else "not in lists of households",
            "all but the end covered" if grant.masked else "",
        ]
        condition = "; ".join(one for one in said if one)
        roles, purposes = ", ".join(grant.roles), ", ".join(grant.purposes) or "none needed"
        rows.append(f"| `{grant.name}` | {roles} | {what} | {purposes} | {condition} |")
    purposes = [
        f"- `{code}`"
        + (f": known by {_quoted(policy.words[code])}" if code in policy.words else "")
        for code in policy.purposes
    ]
    reasons = [f"| `{reason}` | {say('values', reason, 'en')} |" for reason in REASONS]
    most = [f"| {role} | {rows_max:,} |" for role, rows_max in policy.rows_max.items()]
    return "\n".join(
        [
            HEAD.format(ref=policy.ref, digest=policy.ref.digest) + "\n".join(rows),
            "",
            "## Purposes",
            "",
            "A purpose is its code, with free words behind a colon, such as `collection: the letter of March`.",
            "Free words alone are known by a word of theirs.",
            "",
            *purposes,
            "",
            "## Why something is withheld",
            "",
            "From the farthest from a grant to the nearest; the nearest is told.",
            "",
            "| reason | what it says |",
            "|---|---|",
            *reasons,
            "",
            "## How many rows a list may have",
            "",
            "Of lists with places, names or grades that leave as a file (PRV-10); no other role takes one.",
            "",
            "| role | rows at most |",
            "|---|---|",
            *most,
            "",
        ]
    )


def _quoted(words: tuple[str, ...]) -> str:
    return ", ".join(f"`{word}`" for word in words)
