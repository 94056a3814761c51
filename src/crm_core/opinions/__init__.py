"""Opinions: what members say outside requests, in forums, surveys and meetings (意见)."""

from crm_core.kernel.roles import DESK
from crm_core.kernel.slice import Act, Slice
from crm_core.opinions.commands import RecordOpinion, WithdrawOpinion
from crm_core.opinions.decide import OPINIONS
from crm_core.opinions.events import EVENTS
from crm_core.opinions.state import Opinions

SLICE = Slice(
    name="opinions",
    package=__name__,
    events=EVENTS,
    aggregates=(OPINIONS,),
    readable={Opinions: OPINIONS},
    acts=(
        Act(RecordOpinion, DESK),
        Act(WithdrawOpinion, DESK),
    ),
    data_map="data-map.toml",
)

__all__ = [
    "EVENTS",
    "OPINIONS",
    "SLICE",
    "Opinions",
    "RecordOpinion",
    "WithdrawOpinion",
]
