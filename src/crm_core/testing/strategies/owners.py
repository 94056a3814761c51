"""Commands for the file of one household."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import attrs
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from crm_core.kernel.sealed import Personal
from crm_core.owners import commands as owners
from crm_core.testing.strategies.classes import command_classes, command_of
from crm_core.testing.strategies.values import days, mostly, words


def owner_commands(household: str = "V00001") -> SearchStrategy[Any]:
    """Commands for one household's file.

    Few members, days and roles, so that commands meet; some of the values are not accepted.
    """
    made = _owner_commands(household)
    classes = command_classes(owners)
    # A file that is void is at its end: most histories go on.
    lasting = [cls for cls in classes if cls is not owners.VoidHousehold]
    return st.one_of(*(made(cls) for cls in (*lasting * 3, *classes)))


def owner_openings(household: str = "V00001") -> SearchStrategy[Any]:
    """Commands that open a household's file, in some with a tenant who owes by contract."""
    accepted = {
        "kind": st.sampled_from(owners.KINDS),
        "source": st.sampled_from(owners.SOURCES),
        "taken_by": st.none(),
    }
    opened = _owner_commands(household, accepted)(owners.RegisterHousehold)
    tenant, since = f"{household}#m1", date(2010, 1, 2)
    let = st.builds(
        owners.AddMember,
        household=st.just(household),
        member=st.just(tenant),
        role=st.just("tenant"),
        since=st.just(since),
        name=st.just(Personal(tenant, "Somebody")),
        source=st.sampled_from(owners.SOURCES),
    )
    agreed = st.builds(
        owners.AgreeDebtor,
        household=st.just(household),
        agreement=st.sampled_from(("A1", "A2")),
        member=st.just(tenant),
        since=days(since, date(2010, 1, 6)),
        document=st.just("lease 7"),
    )
    released = st.builds(
        owners.ReleaseDebtor,
        household=st.just(household),
        agreement=st.sampled_from(("A1", "A2")),
        until=days(date(2010, 1, 6), date(2010, 1, 9)),
        reason=st.just("moved out"),
    )
    end: dict[str, Any] = {
        "household": household,
        "member": tenant,
        "role": "tenant",
        "until": since,
    }
    gone = st.builds(
        owners.EndRole,
        **{name: st.just(value) for name, value in end.items()},
        reason=st.just("moved out"),
        source=st.sampled_from(owners.SOURCES),
    )
    mistaken = owners.VoidRole(
        household=household,
        member=tenant,
        role="tenant",
        since=since,
        reason="of another month",
    )
    never = st.sampled_from(
        (
            owners.VoidRoleEnd(**end, reason="of another month"),
            mistaken,
            owners.VoidHousehold(household, "a/b/c/d", since, "of another month"),
        )
    )
    return st.one_of(
        opened,
        opened,
        opened,
        st.tuples(opened, let, agreed),
        st.tuples(opened, let, agreed, released),
        st.tuples(opened, let, gone, never),
        st.tuples(opened, let, st.just(mistaken)),
    )


def _owner_commands(
    household: str, accepted: Mapping[str, SearchStrategy[Any]] | None = None
) -> Callable[[type], SearchStrategy[Any]]:
    members = st.sampled_from((owners.owner_id(household), f"{household}#m1", f"{household}#m2"))
    near = days(date(2010, 1, 1), date(2010, 1, 6))
    common = {
        "household": st.just(household),
        "member": members,
        "role": mostly(owners.ROLES[:3], "neighbour"),
        "source": mostly(owners.SOURCES[:3], "hearsay"),
        "reason": mostly(("moved away", "misspelt"), ""),
        "since": near,
        "until": near,
        "on": near,
    }
    own: dict[type, Mapping[str, SearchStrategy[Any]]] = {
        owners.RegisterHousehold: {
            "kind": mostly(owners.KINDS, "ship"),
            "moved_in": st.none() | near,
            "taken_by": mostly((None,), "V00009"),
            **(accepted or {}),
        },
        owners.AddMember: {"kind": mostly((*owners.KINDS, None), "ship")},
        owners.TransferOwnership: {"kind": mostly((*owners.KINDS, None), "ship")},
        owners.RecordInterest: {
            "service": st.sampled_from(("保洁", "housekeeping")),
            "word": words(owners.owner_id(household)),
        },
        owners.ConfirmConduct: {
            "kind": mostly(owners.CONDUCT, "rudeness"),
            "evidence": mostly(("E-1",), ""),
        },
        owners.RecordCondition: {"evidence": mostly(("accounts of 2009", "visit 7"), "")},
        owners.AgreeDebtor: {
            "agreement": st.sampled_from(("A1", "A2")),
            "document": mostly(("lease 7",), ""),
            "until": st.none() | near,
        },
        owners.ReleaseDebtor: {"agreement": st.sampled_from(("A1", "A2"))},
    }
    return lambda cls: command_of(cls, common, own).flatmap(_named)


def _named(command: Any) -> SearchStrategy[Any]:
    """Mostly with the name and number of whom it is about, as an office would."""
    opens = isinstance(command, owners.RegisterHousehold)
    if not opens and not hasattr(command, "member"):
        return st.just(command)
    member = owners.owner_id(command.household) if opens else command.member
    own = {
        name: Personal(member, "13800138000" if name == "phone" else value.reveal().strip() or "李")
        for name in ("name", "owner", "phone")
        if isinstance(value := getattr(command, name, None), Personal)
    }
    return mostly((attrs.evolve(command, **own),), command) if own else st.just(command)
