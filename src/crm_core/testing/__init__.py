"""What tests of and around this library may use: scenarios, strategies, laws, contracts.

`scenario` says what a decision should be; `strategies` make values, commands, events and whole
histories, and with `register` every public type; `laws` checks what holds for every decider, codec
and grading policy; `contracts` check adapters; `towns` fills logs with years of many households.

Needs the extra `testing` (hypothesis and pytest); nothing outside this package does. A name is
loaded when it is first used.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crm_core.testing.contracts import (
        EventLogContract,
        FactsEngineContract,
        KeyVaultContract,
        NotifierContract,
        ViewsContract,
    )
    from crm_core.testing.laws import check_codec, check_decider, check_monotone
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
    from crm_core.testing.strategies.public import public_types, register

_WHERE = {
    "contracts": (
        "EventLogContract",
        "FactsEngineContract",
        "KeyVaultContract",
        "NotifierContract",
        "ViewsContract",
    ),
    "laws": ("check_codec", "check_decider", "check_monotone"),
    "scenario": ("Given", "Outcome", "given"),
    "strategies": (
        "History",
        "Step",
        "any_events",
        "calendars",
        "events_of",
        "histories",
        "shifts",
    ),
    "strategies.public": ("public_types", "register"),
}
_MODULES = {name: module for module, names in _WHERE.items() for name in names}

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
    "check_monotone",
    "events_of",
    "given",
    "histories",
    "public_types",
    "register",
    "shifts",
]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        module = import_module(f"{__name__}.{_MODULES[name]}")
    except ModuleNotFoundError as error:
        if error.name not in ("hypothesis", "pytest"):
            raise
        what = f"`{__name__}.{name}` needs `{error.name}`: pip install 'crm-core[testing]'"
        raise ModuleNotFoundError(what, name=error.name) from error
    found = getattr(module, name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return [*globals(), *(name for name in __all__ if name not in globals())]
