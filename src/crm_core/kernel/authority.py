"""Who may give which command: a policy like any other (LOG-08, decision record 0034).

The table names each act with the roles that may give it. What needs a second person is two acts, a
proposal and a decision; that nobody decides their own is no row here, it holds for every table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from crm_core.kernel.policy import (
    Header,
    PolicyFault,
    PolicyRef,
    digest_of_table,
    read_toml,
    structure,
    wrong,
)
from crm_core.kernel.recorded import ROLES
from crm_core.kernel.values import define, frozen

KIND = "authority"

DEFAULT_AUTHORITY = "authority-cn-default"
"""Name of the table; where no other was adopted under it, it is made of what slices declare."""

DECIDING = ("approve-", "confirm-", "decide-", "grant-", "review-")
"""How the names of acts begin that need a person."""

NOT_DECIDING = ("auditor", "host", "system")
"""Roles that decide nothing that needs a person."""


@frozen
class Own:
    """Whose own matter a decision is.

    Args:
        proposed_by: Id of who proposed what is decided.
        others: Ids of others who had a part in it, or whom it concerns.
        amount_fen: What it is about, if that is an amount.
    """

    proposed_by: str = ""
    others: frozenset[str] = frozenset()
    amount_fen: int | None = None


@frozen
class _Contents:
    """The file of an authority policy."""

    kind: str
    policy: Header
    imports: tuple[str, ...]
    roles: dict[str, tuple[str, ...]]
    alone_up_to_fen: dict[str, int]


@define(frozen=True)
class AuthorityPolicy:
    """Who may do what.

    Args:
        header: Identity and approval.
        ref: Name, version and digest.
        imports: Acts that an import may bring: facts, never decisions.
        roles: The roles that may give an act, by its name; `crm_core.kernel.commands.act_of`.
        alone_up_to_fen: Decisions up to which amount may be given by who proposed them.
    """

    header: Header
    ref: PolicyRef
    imports: frozenset[str]
    roles: dict[str, tuple[str, ...]]
    alone_up_to_fen: dict[str, int]

    @classmethod
    def parse(cls, text: str) -> AuthorityPolicy:
        """The policy in TOML text.

        Raises:
            PolicyFault: the text is not such a policy; all faults with their paths.
        """
        data = read_toml(text)
        contents = structure(data, _Contents)
        faults = []
        if contents.kind != KIND:
            faults.append(wrong("kind", "unknown_kind", kind=contents.kind, needed=KIND))
        for act, roles in sorted(contents.roles.items()):
            faults += [
                wrong(f"roles.{act}", "unknown_role", role=role, accepted=ROLES)
                for role in roles
                if role not in ROLES
            ]
            if act.startswith(DECIDING):
                faults += [
                    wrong(f"roles.{act}", "role_decides_nothing", role=role)
                    for role in roles
                    if role in NOT_DECIDING
                ]
        for act in contents.imports:
            if act.startswith(DECIDING):
                faults.append(wrong("imports", "import_decides_nothing", act=act))
        for act, fen in sorted(contents.alone_up_to_fen.items()):
            if fen < 0 or act not in contents.roles:
                faults.append(wrong(f"alone_up_to_fen.{act}", "unknown_limit", act=act))
        if faults:
            raise PolicyFault(faults)
        ref = PolicyRef(digest_of_table(data), contents.policy.name, contents.policy.version)
        return cls(
            header=contents.policy,
            ref=ref,
            imports=frozenset(contents.imports),
            roles=contents.roles,
            alone_up_to_fen=contents.alone_up_to_fen,
        )


def table_of(
    name: str, imports: Iterable[str], rows: Mapping[str, Iterable[tuple[str, Sequence[str]]]]
) -> str:
    """A first version of a table as TOML, for `AuthorityPolicy.parse` or to be edited by a host.

    Args:
        name: Its name.
        imports: Acts that an import may bring.
        rows: For each slice its acts with the roles that may give them.
    """
    lines = [_HEAD.format(imports=_listed(sorted(imports)), name=name)]
    for slice_name, acts in rows.items():
        lines.append(f"# --- {slice_name}")
        lines += [f"{act} = {_listed(roles)}" for act, roles in acts]
        lines.append("")
    return "\n".join(lines)


def _listed(texts: Iterable[str]) -> str:
    return "[" + ", ".join(f'"{text}"' for text in texts) + "]"


_HEAD = """\
# Who may give which act (LOG-08). What needs a second person is a proposal and a decision; that
# nobody decides their own proposal holds for every table and stands in none.
kind = "authority"
# What an import may bring: facts, never decisions.
imports = {imports}

[policy]
name = "{name}"
version = 1
effective_from = 1900-01-01
approved_by = "director"
impact_assessment = "PIA-AUTHORITY-1"

# Up to which amount who proposed may also decide, if they hold a deciding role; none by default.
[alone_up_to_fen]

[roles]
"""
