"""The opinions of a household as they stand."""

from __future__ import annotations

from crm_core.kernel.growing import EMPTY, GrowingMap
from crm_core.kernel.values import frozen
from crm_core.opinions.events import OpinionRecorded, OpinionWithdrawn


@frozen
class Opinions:
    """What members of a household said outside requests.

    Args:
        recorded: Opinions by their number, those that were withdrawn included.
        withdrawn: What was withdrawn, by its number.
    """

    recorded: GrowingMap[str, OpinionRecorded] = EMPTY
    withdrawn: GrowingMap[str, OpinionWithdrawn] = EMPTY

    def standing(self) -> list[OpinionRecorded]:
        """The opinions that were not withdrawn, in the order in which they were recorded."""
        return [one for number, one in self.recorded.items() if number not in self.withdrawn]
