"""What commands about plans and care must be told to be decided, as far as the slice knows it."""

from __future__ import annotations

from typing import Any

import attrs

from crm_core.kernel.commands import fields_looked_up
from crm_core.kernel.slice import LookUp, Sight
from crm_core.plans.care import OpenCare, OweConsultation
from crm_core.plans.commands import ApprovePlan
from crm_core.plans.company_care import CALENDAR, WHOLE, CareCalendar
from crm_core.plans.policy import DEFAULT_CARE, CarePolicy


def _with_policy(command: Any, _state: Any, sight: Sight) -> Any:
    """The policy of the present day, whatever day a command says."""
    found: dict[str, Any] = {"policy": sight.policy(CarePolicy, DEFAULT_CARE, sight.present_day)}
    kind: type = type(command)
    if "begun" in fields_looked_up(kind):
        calendar: CareCalendar = sight.state(CALENDAR, WHOLE)
        found["begun"] = None if calendar.begun is None else calendar.begun.on
    return attrs.evolve(command, **found)


LOOK_UPS: dict[type, LookUp] = {
    ApprovePlan: _with_policy,
    OpenCare: _with_policy,
    OweConsultation: _with_policy,
}
