"""What personal data may be used for, and on what ground, as policy data (PRV-05; PIPL, art. 13).

The list is closed: what is not on it may be done with nobody's data.
"""

from __future__ import annotations

from crm_core.kernel.policy import (
    Header,
    PathFault,
    PolicyFault,
    PolicyRef,
    digest_of_table,
    read_toml,
    structure,
    wrong,
)
from crm_core.kernel.values import define, frozen

KIND = "purposes"
DEFAULT_PURPOSES = "purposes-cn-default"

CONSENT = "consent"

BASES = ("contract", "legal_duty", "emergency", "public_interest", CONSENT)
"""Why a purpose may be pursued: for the contract of service (PIPL, art. 13 no. 2), because the law
asks for it (no. 3), to protect life, health and property (no. 4), in the public interest (no. 5),
or because the person agreed (no. 1)."""

ORDINARY, THIRD_PARTY, SENSITIVE = "ordinary", "third_party", "sensitive"

KINDS = (ORDINARY, THIRD_PARTY, SENSITIVE)
"""Kinds of consent: an ordinary one; a separate one for each recipient outside the company (PIPL,
art. 23); a separate one for sensitive data (art. 29)."""


@frozen
class Purpose:
    """What data is used for.

    Args:
        basis: One of `BASES`.
        consent: One of `KINDS`; of no meaning where another basis carries the purpose.
        refusable: Whether a person can object to a purpose that needs no consent (art. 24, 44);
            what a consent carries can be withdrawn in any case (art. 15).
    """

    basis: str
    consent: str = ORDINARY
    refusable: bool = False

    @property
    def can_be_refused(self) -> bool:
        """Whether it ends when the person says so."""
        return self.refusable or self.basis == CONSENT


@frozen
class _Contents:
    """The file of a policy of purposes."""

    kind: str
    policy: Header
    purposes: dict[str, Purpose]


@define(frozen=True)
class PurposesPolicy:
    """The closed list of purposes.

    Args:
        header: Identity and approval.
        ref: Name, version and digest.
        purposes: By their names.
    """

    header: Header
    ref: PolicyRef
    purposes: dict[str, Purpose]

    @classmethod
    def parse(cls, text: str) -> PurposesPolicy:
        """The policy in TOML text.

        Raises:
            PolicyFault: the text is not such a policy; all faults with their paths.
        """
        data = read_toml(text)
        contents = structure(data, _Contents)
        faults = _faults(contents)
        if faults:
            raise PolicyFault(faults)
        header = contents.policy
        ref = PolicyRef(digest_of_table(data), header.name, header.version)
        return cls(header=header, ref=ref, purposes=contents.purposes)


def _faults(contents: _Contents) -> list[PathFault]:
    faults = []
    if contents.kind != KIND:
        faults.append(wrong("kind", "unknown_kind", kind=contents.kind, needed=KIND))
    if not contents.purposes:
        faults.append(wrong("purposes", "one_at_least_expected"))
    for name, purpose in contents.purposes.items():
        path = f"purposes.{name}"
        if purpose.basis not in BASES:
            faults.append(wrong(f"{path}.basis", "not_one_of", value=purpose.basis, accepted=BASES))
        if purpose.consent not in KINDS:
            faults.append(
                wrong(f"{path}.consent", "not_one_of", value=purpose.consent, accepted=KINDS)
            )
        elif purpose.basis != CONSENT and purpose.consent != ORDINARY:
            faults.append(wrong(f"{path}.consent", "consent_of_no_use", basis=purpose.basis))
        if purpose.basis == CONSENT and purpose.refusable:
            # A consent can always be withdrawn; saying so twice would let a file say otherwise.
            faults.append(wrong(f"{path}.refusable", "consent_always_refusable"))
    return faults
