"""crm-core: decide about households, and be able to prove it.

Pure: importing this package does no I/O and loads neither a database nor a cipher; a name is loaded
when it is first used. `crm_adapters.open_crm` wires a store, keys, clock and ids around it.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crm_core.application.runs import GradingRun
    from crm_core.crm import CRM, Planned, Receipt
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
    from crm_core.gradings.engines.port import CreditLine
    from crm_core.gradings.replay import Replay
    from crm_core.kernel.dates import Period
    from crm_core.kernel.decider import Decider, Refusal
    from crm_core.kernel.money import Money
    from crm_core.kernel.recorded import Actor, Cutoff, Recorded
    from crm_core.kernel.sealed import Personal
    from crm_core.kernel.slice import Slice
    from crm_core.kernel.word import Word
    from crm_core.owners.state import Household
    from crm_core.payments.state import Account
    from crm_core.policies import PolicyBook
    from crm_core.requests.state import Request
    from crm_core.slices import SLICES, shipped

_WHERE = {
    "application.runs": ("GradingRun",),
    "crm": ("CRM", "Planned", "Receipt"),
    "errors": (
        "CommandReused",
        "CommitUnknown",
        "Conflict",
        "CrmError",
        "Failed",
        "Fault",
        "Invalid",
        "Refused",
    ),
    "gradings.engines.port": ("CreditLine",),
    "gradings.replay": ("Replay",),
    "kernel.dates": ("Period",),
    "kernel.decider": ("Decider", "Refusal"),
    "kernel.money": ("Money",),
    "kernel.recorded": ("Actor", "Cutoff", "Recorded"),
    "kernel.sealed": ("Personal",),
    "kernel.slice": ("Slice",),
    "kernel.word": ("Word",),
    "owners.state": ("Household",),
    "payments.state": ("Account",),
    "policies": ("PolicyBook",),
    "requests.state": ("Request",),
    "slices": ("SLICES", "shipped"),
}
_MODULES = {name: module for module, names in _WHERE.items() for name in names}

__all__ = [
    "CRM",
    "SLICES",
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
    "Slice",
    "Word",
    "shipped",
]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return [*globals(), *(name for name in __all__ if name not in globals())]
