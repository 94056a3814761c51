"""How long persons are kept, as policy data (PRV-09)."""

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

KIND = "retention"

DEFAULT_RETENTION = "retention-cn-default"

TENURE, CASE, EMPLOYMENT, CONTACT = "tenure", "case", "employment", "contact"
"""What persons are kept for, each with a period of its own."""

MONTHS_MAX = 1200
"""Longer than a century nobody is kept by a policy: that is what legal holds are for."""


@frozen
class _Contents:
    """The file of a retention policy."""

    kind: str
    policy: Header
    tenure_months: int
    case_months: int
    employment_months: int
    contact_months: int


@define(frozen=True)
class RetentionPolicy:
    """For how many months persons are kept after what they were kept for has ended.

    Args:
        header: Identity and approval.
        ref: Name, version and digest.
        tenure_months: Members, after the last day of their last role.
        case_months: Members, after the last request of their household was closed.
        employment_months: Staff, after the last day of their last role.
        contact_months: Who may become a customer, after the last contact.
    """

    header: Header
    ref: PolicyRef
    tenure_months: int
    case_months: int
    employment_months: int
    contact_months: int

    @property
    def months(self) -> dict[str, int]:
        """The periods, by what somebody is kept for."""
        return {
            TENURE: self.tenure_months,
            CASE: self.case_months,
            EMPLOYMENT: self.employment_months,
            CONTACT: self.contact_months,
        }

    @classmethod
    def parse(cls, text: str) -> RetentionPolicy:
        """The policy in TOML text.

        Raises:
            PolicyFault: the text is not such a policy; all faults with their paths.
        """
        data = read_toml(text)
        contents = structure(data, _Contents)
        periods = {
            "tenure_months": contents.tenure_months,
            "case_months": contents.case_months,
            "employment_months": contents.employment_months,
            "contact_months": contents.contact_months,
        }
        faults = []
        if contents.kind != KIND:
            faults.append(wrong("kind", "unknown_kind", kind=contents.kind, needed=KIND))
        faults += [
            wrong(name, "above_zero_expected")
            for name, months in periods.items()
            if not 0 < months <= MONTHS_MAX
        ]
        if faults:
            raise PolicyFault(faults)
        header = contents.policy
        return cls(
            header=header,
            ref=PolicyRef(digest_of_table(data), header.name, header.version),
            **periods,
        )
