"""Which kind of policy a file of this slice holds."""

from __future__ import annotations

from crm_core.gradings.policy import GradingPolicy
from crm_core.gradings.studies.shares import SharesPolicy
from crm_core.gradings.uplift import UpliftPolicy
from crm_core.kernel.policy import read_toml


def parse(text: str) -> GradingPolicy | SharesPolicy | UpliftPolicy:
    """The policy in TOML text, by its `kind`; of an unknown kind, the faults of a grading policy.

    Raises:
        PolicyFault: the text is no such policy.
    """
    match read_toml(text).get("kind"):
        case "shares":
            return SharesPolicy.parse(text)
        case "uplift":
            return UpliftPolicy.parse(text)
        case _:
            return GradingPolicy.parse(text)
