"""The page of the authority policy, rendered from the shipped table."""

from __future__ import annotations

from crm_core.kernel.authority import AuthorityPolicy
from crm_core.kernel.commands import act_of
from crm_core.kernel.recorded import ROLES
from crm_core.kernel.registry import Registry

HEAD = """# Who may do what

The authority policy that the slices declare, `{ref}` (LOG-08).
A row names an act and the roles that may give it; an act is the name of a command.
What is *decided* is never decided by who proposed it, whatever this table says.
This page is rendered from the slices, and a test keeps it so.

Digest: `{digest}`.

| act | {roles} | import |
|---|{lines}---|
"""

TAIL = """
## Given by the library alone

These follow from something recorded, or say what was computed; a caller is refused.

{inside}

## What one person may decide alone

{alone}
"""


def render(of: Registry) -> str:
    """The page as text."""
    table = AuthorityPolicy.parse(of.authority)
    kinds = {act_of(kind): kind for kind in of.by_command}
    inside = {act_of(kind) for aggregate in of.aggregates for kind in aggregate.inside}
    acts = sorted({*kinds, *table.roles} - inside)
    lines = [
        f"| `{act}` | "
        + " | ".join("●" if role in table.roles.get(act, ()) else "" for role in ROLES)
        + f" | {'●' if act in table.imports else ''} |"
        for act in acts
    ]
    limits = [
        f"- `{act}`: up to {fen} fen" for act, fen in sorted(table.alone_up_to_fen.items())
    ] or ["Nothing: the shipped table has no such limit."]
    return (
        HEAD.format(
            ref=table.ref,
            digest=table.ref.digest,
            roles=" | ".join(ROLES),
            lines="---|" * len(ROLES),
        )
        + "\n".join(lines)
        + "\n"
        + TAIL.format(
            inside="\n".join(f"- `{act}`" for act in sorted(inside)), alone="\n".join(limits)
        )
    )
