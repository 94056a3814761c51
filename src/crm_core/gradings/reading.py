"""The reading: which events count how, named and versioned like a policy (GRD-08).

A grading policy says what follows from facts; a reading says what the facts are. Both are pinned by
every decision, so that one of another year is read again as it was read then.
"""

from __future__ import annotations

from crm_core.kernel.policy import (
    Header,
    PolicyFault,
    PolicyRef,
    digest_of_table,
    read_toml,
    structure,
    wrong,
)
from crm_core.kernel.values import define, frozen
from crm_core.opinions.facts import SOURCES
from crm_core.requests.facts import KINDS

DEFAULT_READING = "reading-cn-default"


@frozen
class _Contents:
    """The file of a reading."""

    kind: str
    policy: Header
    no_matters: tuple[str, ...]
    complaints: tuple[str, ...]
    opinions: tuple[str, ...]


@define(frozen=True)
class Reading:
    """Which events count how.

    Args:
        header: Identity and approval.
        ref: Name, version and digest, pinned by every decision.
        no_matters: Kinds of requests that are no matters and count for no attention.
        complaints: Kinds that are complaints.
        opinions: Where a member can be heard besides, so that it counts as a matter: `forum`,
            `survey`, `meeting`.
    """

    header: Header
    ref: PolicyRef
    no_matters: tuple[str, ...]
    complaints: tuple[str, ...]
    opinions: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Reading:
        """The reading in TOML text.

        Raises:
            PolicyFault: the text is not a reading; all faults with their paths.
        """
        data = read_toml(text)
        contents = structure(data, _Contents)
        faults = [
            wrong(f"{name}[{index}]", "not_one_of", value=kind, accepted=accepted)
            for name, accepted in (
                ("no_matters", KINDS),
                ("complaints", KINDS),
                ("opinions", SOURCES),
            )
            for index, kind in enumerate(getattr(contents, name))
            if kind not in accepted
        ]
        if contents.kind != "reading":
            faults.append(wrong("kind", "unknown_kind", kind=contents.kind, needed="reading"))
        if faults:
            raise PolicyFault(faults)
        ref = PolicyRef(digest_of_table(data), contents.policy.name, contents.policy.version)
        return cls(
            header=contents.policy,
            ref=ref,
            no_matters=contents.no_matters,
            complaints=contents.complaints,
            opinions=contents.opinions,
        )
