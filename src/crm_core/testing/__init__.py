"""What tests of and around this library may use: scenarios, strategies, laws, contracts.

`scenario` says what a decision should be; `strategies` make values, commands, events and whole
histories; `laws` checks what holds for every decider and codec; `contracts` check adapters; `towns`
fills logs with years of many households.
Needs hypothesis and pytest; nothing outside this package does.
"""

from crm_core.testing.contracts import (
    EventLogContract,
    FactsEngineContract,
    KeyVaultContract,
    NotifierContract,
    ViewsContract,
)
from crm_core.testing.laws import check_codec, check_decider
from crm_core.testing.scenario import Given, Outcome, given
from crm_core.testing.strategies import (
    History,
    Step,
    any_events,
    calendars,
    events_of,
    histories,
    shifts,
)

__all__ = [
    "EventLogContract",
    "FactsEngineContract",
    "Given",
    "History",
    "KeyVaultContract",
    "NotifierContract",
    "Outcome",
    "Step",
    "ViewsContract",
    "any_events",
    "calendars",
    "check_codec",
    "check_decider",
    "events_of",
    "given",
    "histories",
    "shifts",
]
