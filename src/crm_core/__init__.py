"""crm-core: decide about households, and be able to prove it.

Pure: importing this package does no I/O and loads neither a database nor a cipher.
`crm_adapters.open_crm` wires a store, keys, clock and ids around it.
"""

from crm_core.crm import CRM, CreditLine, GradingRun, Planned, Receipt, Replay
from crm_core.errors import (
    CommandReused,
    CommitUnknown,
    Conflict,
    CrmError,
    Failed,
    Fault,
    Invalid,
    Refused,
)
from crm_core.kernel.dates import Period
from crm_core.kernel.decider import Decider, Refusal
from crm_core.kernel.money import Money
from crm_core.kernel.recorded import Actor, Cutoff, Recorded
from crm_core.kernel.sealed import Personal
from crm_core.kernel.word import Word
from crm_core.owners.state import Household
from crm_core.payments.state import Account
from crm_core.policies import PolicyBook, shipped
from crm_core.requests.state import Request

__all__ = [
    "CRM",
    "Account",
    "Actor",
    "CommandReused",
    "CommitUnknown",
    "Conflict",
    "CreditLine",
    "CrmError",
    "Cutoff",
    "Decider",
    "Failed",
    "Fault",
    "GradingRun",
    "Household",
    "Invalid",
    "Money",
    "Period",
    "Personal",
    "Planned",
    "PolicyBook",
    "Receipt",
    "Recorded",
    "Refusal",
    "Refused",
    "Replay",
    "Request",
    "Word",
    "shipped",
]
