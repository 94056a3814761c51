"""What commands must be told to be decided where it stands in another slice or in the log (LOG-08).

What a slice itself knows it looks up itself; here stands what truly crosses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from typing import Any, TypeVar

from attrs import evolve

from crm_core.application.adopted import NOT_FACTS, book_with_adopted, every, pinned
from crm_core.application.records import moved, records_since
from crm_core.application.streams import Streams, no_file
from crm_core.errors import UnknownPolicy
from crm_core.gradings.commands import (
    AcceptAutomatic,
    ConfirmGrading,
    ConfirmType,
    ContestGrading,
    DecideReview,
    DecideUplift,
    DraftPolicy,
    MakePolicyEffective,
    ProposeType,
    ProposeUplift,
    RefuseAutomatic,
    ReplaceRecord,
)
from crm_core.gradings.decide import YEAR
from crm_core.gradings.events import GradingContested, GradingDecided
from crm_core.gradings.facts import EVENT_NAMES, VOIDS
from crm_core.gradings.policy import GradingPolicy
from crm_core.gradings.reading import Reading
from crm_core.gradings.record import run_of_record
from crm_core.gradings.replay import decide_again
from crm_core.gradings.review import holding
from crm_core.gradings.state import Gradings, Year
from crm_core.gradings.uplift import DEFAULT_UPLIFT, Promises, UpliftPolicy, promises
from crm_core.kernel.aggregate import Aggregate, Claim
from crm_core.kernel.commands import fields_looked_up
from crm_core.kernel.dates import Period, local_date
from crm_core.kernel.decider import Refusal
from crm_core.kernel.policy import Policy, PolicyFault, PolicyRef
from crm_core.kernel.recorded import KnownEvent, Recorded
from crm_core.kernel.registry import Registry
from crm_core.kernel.tenures import ONE, Tenures
from crm_core.kernel.voiding import standing
from crm_core.messages import MESSAGES, STAFF_MESSAGES
from crm_core.messages.commands import Known, QueueMessage
from crm_core.messages.policy import DEFAULT_MESSAGES, MessagePolicy
from crm_core.messages.staff import TellStaff
from crm_core.messages.template import Template
from crm_core.opinions import RecordOpinion
from crm_core.owners import HOUSEHOLD
from crm_core.owners.commands import ROLES
from crm_core.owners.facts import REGISTERED, TENURES, ConditionRecorded
from crm_core.owners.facts import VOIDS as FILE_VOIDS
from crm_core.owners.tenures import concerned, tenures, tenures_of
from crm_core.payments import ACCOUNT
from crm_core.payments.allocation_policy import AllocationPolicy
from crm_core.payments.clauses import Allocations, epochs_of
from crm_core.payments.commands import (
    ClaimLateCharge,
    DecideInstalments,
    DecideRefund,
    DecideWaiver,
    MovePayment,
    PromisePayment,
    ProposeInstalments,
    ProposeRefund,
    ProposeWaiver,
    RaiseCharge,
    ReceivePayment,
)
from crm_core.payments.credit import CreditPolicy
from crm_core.payments.facts import add_months
from crm_core.policies import PolicyBook
from crm_core.ports import EventLog
from crm_core.requests import PLAN, REQUEST, Request
from crm_core.requests.calls import Call, WithdrawCall
from crm_core.requests.commands import Dispatch, GrabOrder, HandOver, RefuseOrder, ReturnOrder
from crm_core.requests.deciding.orders import named_by, order_of
from crm_core.requests.improvement import ProposeImprovement
from crm_core.requests.rotation import Crew
from crm_core.staff import REGISTER, ROSTER, RecordWrong
from crm_core.staff.lookups import strangers
from crm_core.staff.register import WHOLE, Register

P = TypeVar("P", bound=Policy)


class WorkSight:
    """What look-ups see of the work in progress (`crm_core.kernel.slice.Sight`), and of the log.

    Args:
        streams: The streams of the work.
        log: The history.
        registry: What the library is made of.
        policies: Policies at hand.
        zone: Zone in which instants fall on days.
        day: The day by the clock.
    """

    at: datetime

    def __init__(
        self,
        streams: Streams,
        log: EventLog,
        registry: Registry,
        policies: PolicyBook,
        zone: str,
        *,
        day: date,
    ) -> None:
        self.streams, self.log, self.registry = streams, log, registry
        self.policies, self.zone, self.present_day = policies, zone, day
        self._found: dict[tuple[type, str, date], Any] = {}
        self._every: dict[type, tuple[Any, ...]] = {}

    def state(self, aggregate: Aggregate, identity: str) -> Any:
        """The state of a stream."""
        return self.streams.load(aggregate, aggregate.stream(identity))[0]

    def taken(self, claim: Claim) -> Any:
        """The event that took a name, or None."""
        return self.streams.claimed(claim)[0]

    def policy(self, kind: type[P], name: str, day: date) -> P:
        """The policy of that name to be used on a day."""
        key = (kind, name, day)
        if key not in self._found:
            self._found[key] = self.policies.find(kind, name, day)
        return self._found[key]  # type: ignore[no-any-return]

    def pinned(self, kind: type[P], ref: PolicyRef) -> P:
        """The very policy that a record pins, adopted ones among them."""
        return pinned(self.policies, kind, ref, lambda: self.every(kind))

    def every(self, kind: type[P]) -> tuple[P, ...]:
        """All policies of a kind at hand, those adopted in the log among them."""
        if kind not in self._every:
            self._every[kind] = every(self.log, self.registry, self.policies, kind)
        return self._every[kind]

    def known(self, aggregate: Aggregate, identity: str) -> Iterator[KnownEvent]:
        """The events of a stream, each with when it came to be known."""
        for one in self.log.read(aggregate.stream(identity)):
            yield one.position, one.recorded, one.event

    def estate(self, household: str) -> str:
        """The estate that a household is in; empty without a file."""
        file = self.streams.file(household)
        return "" if file is None else file.estate

    def tenures(self, household: str) -> Tenures:
        """Who owes in a household, and when (PAY-16)."""
        file = self.streams.file(household)
        return ONE if file is None else tenures_of(file)

    def tenures_known(self, household: str) -> list[tuple[datetime, Tenures]]:
        """The tenures of a household, each time they came to be known otherwise."""
        told: list[Any] = []
        found: list[tuple[datetime, Tenures]] = []
        for _, known, event in self.known(HOUSEHOLD, household):
            if isinstance(event, TENURES):
                told.append(event)
            elif type(event) in FILE_VOIDS:
                told = standing([*told, event], FILE_VOIDS, lambda one: one)
            else:
                continue
            now = tenures(told)
            if found and found[-1][0] == known:
                found.pop()
            if not found or found[-1][1] != now:
                found.append((known, now))
        return found

    def told(self, household: str) -> Iterator[KnownEvent]:
        """The facts of a household that a grading may see."""
        names = EVENT_NAMES | {REGISTERED}
        for _, facts in self.log.facts(names=names, households=[household]):
            yield from standing(facts, VOIDS)

    def allocated(self, refs: tuple[PolicyRef, ...]) -> Allocations:
        """The allocation policies that a grading pins."""
        return Allocations(tuple(self.pinned(AllocationPolicy, ref) for ref in refs))

    def graded_by(self, grading: GradingDecided) -> GradingPolicy:
        """The policy that a grading pins."""
        return self.grading_policy(grading.policy)

    def policies_of(
        self, policy: PolicyRef, credit: PolicyRef, reading: PolicyRef
    ) -> tuple[GradingPolicy, CreditPolicy, Reading]:
        """The policies and the reading that a grading pins, adopted ones among them."""
        book = self.policies
        return (
            self.grading_policy(policy),
            book.pinned(CreditPolicy, credit),
            book.pinned(Reading, reading),
        )

    def grading_policy(self, ref: PolicyRef) -> GradingPolicy:
        """The grading policy that a grading pins, an adopted one perhaps."""
        book = book_with_adopted(self.log, self.registry, self.policies, ref.name)
        return book.pinned(GradingPolicy, ref)

    def holds(self, state: Gradings, year: int) -> GradingDecided | None:
        """The grading that holds of a household's year (GRD-17)."""
        run = holding(state, run_of_record(self.state(YEAR, str(year))))
        return None if run is None else state.by_run[run]


# --- of accounts and messages ------------------------------------------------------------------


def _with_receiver(command: MovePayment, _state: Any, sight: WorkSight) -> MovePayment:
    # What leaves one account must enter the other, so the other is asked first.
    there = command.to_household
    refusal: Refusal | None = None
    if not sight.streams.has_file(there):
        refusal = no_file(there)
    elif not sight.state(ACCOUNT, there).takes(command.payment):
        details = {"payment": command.payment}
        refusal = Refusal("payment_exists", "PAY-01", details, "payment_exists_there")
    return evolve(command, refused_there=refusal)


def _with_tenures(command: Any, state: Any, sight: WorkSight) -> Any:
    """Who owed when, and by which policies money is allocated, where that matters."""
    if isinstance(command, RaiseCharge) and command.debtor is None:
        return command
    found: dict[str, Any] = {"tenures": sight.tenures(command.household)}
    kind: type = type(command)
    if "epochs" in fields_looked_up(kind):
        found["epochs"] = epochs_of(command.household, state, sight)
    return evolve(command, **found)


def _with_payer(command: ReceivePayment, _state: Any, sight: WorkSight) -> ReceivePayment:
    """Who belongs to the household, where somebody is named."""
    if command.payer is None:
        return command
    return evolve(command, members=frozenset(sight.streams.members(command.household)))


def _with_members(command: Any, _state: Any, sight: WorkSight) -> Any:
    day = local_date(sight.at, sight.zone)
    template = neutral = None
    if isinstance(command, QueueMessage):
        template = sight.policy(Template, command.template, day)
        if template.neutral:
            neutral = sight.policy(Template, template.neutral, day)
    file = sight.streams.file(command.household)
    holding = () if file is None else [r.member for name in ROLES for r in file.holding(name, day)]
    known = Known(
        at=sight.at,
        zone=sight.zone,
        policy=sight.policy(MessagePolicy, DEFAULT_MESSAGES, day),
        members=tuple(dict.fromkeys(holding)),
        template=template,
        neutral=neutral,
    )
    return evolve(command, known=known)


def _with_work_of(command: Any, _state: Any, sight: WorkSight) -> Any:
    """Whether somebody is on the staff, and when they are on duty next if they are not (OUT-01)."""
    day = local_date(sight.at, sight.zone)
    register: Register = sight.state(REGISTER, WHOLE)
    on_the_staff = register.employs(command.staff, day)
    template = None
    if isinstance(command, TellStaff):
        template = sight.policy(Template, command.template, day)
    known = Known(
        at=sight.at,
        zone=sight.zone,
        policy=sight.policy(MessagePolicy, DEFAULT_MESSAGES, day),
        members=(command.staff,) if on_the_staff else (),
        template=template,
        duty_from=_next_duty(command.staff, register, sight) if on_the_staff else None,
    )
    return evolve(command, known=known)


def _next_duty(staff: str, register: Register, sight: WorkSight) -> datetime | None:
    """When they are on duty next; None if they are now, or if no roster says when.

    Their rosters are those of their trades and of their roles.
    """
    day = local_date(sight.at, sight.zone)
    roles = {period.role for period in register.of(staff) if period.covers(day)}
    shifts = [
        shift
        for line in sorted(roles | set(register.trades(staff, day)))
        for shift in sight.state(ROSTER, line).shifts()
        if shift.staff == staff and shift.end > sight.at
    ]
    if any(shift.start <= sight.at for shift in shifts):
        return None
    return min((shift.start for shift in shifts), default=None)


# --- of staff and requests ---------------------------------------------------------------------


def _with_wrong(command: RecordWrong, _state: Any, sight: WorkSight) -> RecordWrong:
    """Whether there is such a member of staff, and the request it is said to be over (REQ-20)."""
    over = command.request
    unknown = over is not None and not isinstance(sight.state(REQUEST, over), Request)
    return evolve(
        command,
        stranger=bool(strangers((command.staff,), command.on, sight)),
        request_unknown=unknown,
    )


def _with_duty(command: WithdrawCall, state: Call, sight: WorkSight) -> WithdrawCall:
    """Who was on duty when the call came (REQ-02)."""
    taken = state.taken
    if taken is None:
        return evolve(command, on_duty=())
    roster = sight.state(ROSTER, taken.line)
    return evolve(command, on_duty=roster.on_duty(taken.came_at))


def _with_today(command: Any, _state: Any, sight: WorkSight) -> Any:
    """The day on which it comes to be known, and whom nobody knows of those it names (REQ-18)."""
    today = local_date(sight.at, sight.zone)
    if not isinstance(command, ProposeImprovement):
        return evolve(command, known_on=today)
    named = (command.responsible, command.supervisor)
    return evolve(command, known_on=today, strangers=strangers(named, today, sight))


# --- of opinions -------------------------------------------------------------------------------


def _with_speaker(command: RecordOpinion, _state: Any, sight: WorkSight) -> RecordOpinion:
    """Whether it is an opinion of the household's: whose, held then, and about what (LOG-08)."""
    file = sight.streams.file(command.household)
    held = () if file is None else [r for r in file.roles() if r.member == command.member]
    then = [r for r in held if r.since <= command.on and (r.until is None or command.on <= r.until)]
    register: Register = sight.state(REGISTER, WHOLE)
    about = None if command.about is None else sight.state(REQUEST, command.about)
    return evolve(
        command,
        stranger=not held,
        left=bool(held) and not then,
        on_staff=register.names(command.member),
        about_unknown=about is not None and not _is_of(about, command.household),
    )


def _is_of(request: Any, household: str) -> bool:
    return isinstance(request, Request) and request.household == household


# --- of orders ---------------------------------------------------------------------------------


def crew(sight: WorkSight, trade: str, at: datetime) -> Crew:
    """The operators of a trade at an instant, as register and roster have them (REQ-06)."""
    register: Register = sight.state(REGISTER, WHOLE)
    day = local_date(at, sight.zone)
    roster = sight.state(ROSTER, trade)
    return Crew(
        trade,
        operators=register.operators(trade, day) if register.in_force(day) else None,
        on_duty=roster.on_duty(at) if roster.planned else None,
    )


def _with_crew(command: Any, state: Any, sight: WorkSight) -> Any:
    order = order_of(command, state)
    return command if order is None else evolve(command, crew=crew(sight, *order))


def _with_stranger(command: Any, _state: Any, sight: WorkSight) -> Any:
    """Work goes to somebody on the staff on that day, where there is a register (REQ-06)."""
    named = named_by(command)
    register: Register = sight.state(REGISTER, WHOLE)
    day = sight.present_day
    for name in ("dispatched_at", "refused_at", "returned_at"):
        if hasattr(command, name):
            day = local_date(getattr(command, name), sight.zone)
    known = not named or not register.in_force(day) or register.employs(named, day)
    return evolve(command, stranger=not known)


def _with_order(command: Dispatch, state: Any, sight: WorkSight) -> Dispatch:
    return _with_stranger(_with_crew(command, state, sight), state, sight)  # type: ignore[no-any-return]


# --- of gradings -------------------------------------------------------------------------------


def _with_grading(command: Any, state: Gradings, sight: WorkSight) -> Any:
    """The grading that holds of the year, and the policy that it pins."""
    return _about_grading(command, state, sight)[0]


def _about_grading(
    command: Any, state: Gradings, sight: WorkSight
) -> tuple[Any, GradingDecided | None]:
    held = sight.holds(state, command.year)
    if held is None:
        # A year that was graded may have left this household out.
        return evolve(command, run=run_of_record(sight.state(YEAR, str(command.year)))), None
    command = evolve(command, run=held.run)
    if isinstance(command, ProposeUplift | DecideUplift):
        return evolve(command, grading_policy=sight.graded_by(held)), held
    if isinstance(command, ContestGrading):
        return command, held
    return evolve(command, policy=sight.graded_by(held)), held


def _with_promises(command: Any, state: Gradings, sight: WorkSight) -> Any:
    command, held = _about_grading(command, state, sight)
    if held is None:
        return command
    table = sight.policy(UpliftPolicy, DEFAULT_UPLIFT, command.on)
    account = [(event, position) for position, _, event in sight.told(command.household)]
    by = epochs_of(command.household, sight.state(ACCOUNT, command.household), sight)
    # What others kept, before or after them, proves nothing of the people who were graded.
    theirs = sight.tenures(command.household).on(command.on).key == held.tenure
    kept = promises(account, command.on, table, by) if theirs else Promises((), ())
    today = sight.present_day
    expired = records_since(sight.log, command.year, today).has_later(command.year, today)
    command = evolve(command, policy=table, promises=kept, expired=expired)
    sound = _sound_condition(command, held.tenure, add_months(command.on, -table.months), sight)
    if sound is None:
        return command
    command = evolve(command, condition=sound.position)
    if isinstance(command, DecideUplift):
        command = evolve(command, condition_by=sound.event.recorded_by)
    return command


def _sound_condition(
    command: ProposeUplift | DecideUplift, tenure: str, since: date, sight: WorkSight
) -> Recorded[ConditionRecorded] | None:
    """The sound condition on record of a commercial customer, if it is the latest word about
    them: of the months that promises count for, and of the tenure that was graded.
    """
    file = sight.streams.file(command.household)
    if file is None or not file.conditions:
        return None
    held = sight.tenures(command.household)
    found: Recorded[ConditionRecorded] | None = None
    for recorded in sight.log.read(HOUSEHOLD.stream(command.household)):
        event = recorded.event
        if not isinstance(event, ConditionRecorded) or not since < event.on <= command.on:
            continue
        if held.on(event.on).key == tenure:
            found = recorded if event.sound else None
    return found


def _with_contesting(command: ContestGrading, state: Gradings, sight: WorkSight) -> ContestGrading:
    command, held = _about_grading(command, state, sight)
    if held is None:
        return command
    file = sight.streams.file(command.household)
    period = Period(held.period_start, held.period_end)
    found = () if file is None else concerned(file, held.tenure, period)
    return evolve(command, members=frozenset(found))


def _with_people_of_the_day(command: Any, _state: Gradings, sight: WorkSight) -> Any:
    file = sight.streams.file(command.household)
    tenure = sight.tenures(command.household).on(command.on).key
    day = Period(command.on, command.on)
    found = () if file is None else concerned(file, tenure, day)
    return evolve(command, tenure=tenure, members=frozenset(found))


def _with_moved(command: ReplaceRecord, state: Year, sight: WorkSight) -> ReplaceRecord:
    if command.run not in state.completed:
        return command
    found = moved(sight.log, command.year, command.run, sight.grading_policy, sight.present_day)
    return evolve(command, moved=found)


def _with_review(command: DecideReview, state: Gradings, sight: WorkSight) -> DecideReview:
    opened = [a for a in state.acts if isinstance(a, GradingContested)]
    contested = next((a for a in opened if a.review == command.review), None)
    if contested is None:
        return command
    held = sight.holds(state, contested.year)
    theirs = held is not None and held.tenure == contested.tenure
    grading = held if held is not None and theirs else state.by_run[contested.run]
    run = grading.run
    command = evolve(command, run=run, policy=sight.graded_by(grading))
    if command.result != "corrected":
        return command
    now = sight.log.cutoff(None, without=NOT_FACTS)
    told = sight.told(command.household)
    again = evolve(
        decide_again(grading, told, sight.policies_of, sight.zone, now, sight.allocated),
        run=f"{run}.{command.review}",
        cutoff_position=now.position,
        cutoff_known=now.known,
    )
    return evolve(command, again=again)


def _with_taken(command: DraftPolicy, _state: Any, sight: WorkSight) -> DraftPolicy:
    same = _of_name(command.name, sight)
    try:
        drafted = sight.registry.adoptable(command.document.toml)
    except PolicyFault as error:
        return evolve(command, faults=error.within())
    later = (ref.digest for ref in same if ref.version >= drafted.ref.version)
    another_kind = not all(_is_of_kind(type(drafted), ref, sight) for ref in same)
    return evolve(command, policy=drafted.ref, taken=next(later, None), another_kind=another_kind)


def _is_of_kind(kind: type[Any], ref: PolicyRef, sight: WorkSight) -> bool:
    try:
        sight.policies.pinned(kind, ref)
    except UnknownPolicy:
        return False
    return True


def _with_shipped(
    command: MakePolicyEffective, _state: Any, sight: WorkSight
) -> MakePolicyEffective:
    same = _of_name(command.name, sight)
    return evolve(command, shipped=max(same, key=lambda ref: ref.version, default=None))


def _of_name(name: str, sight: WorkSight) -> list[PolicyRef]:
    return [ref for ref in sight.policies.refs() if ref.name == name]


CROSSING: Mapping[type, Callable[[Any, Any, WorkSight], Any]] = {
    **dict.fromkeys(MESSAGES.commands, _with_members),
    **dict.fromkeys(STAFF_MESSAGES.commands, _with_work_of),
    AcceptAutomatic: _with_people_of_the_day,
    ConfirmGrading: _with_grading,
    ConfirmType: _with_grading,
    ContestGrading: _with_contesting,
    DecideReview: _with_review,
    DecideUplift: _with_promises,
    Dispatch: _with_order,
    DraftPolicy: _with_taken,
    GrabOrder: _with_crew,
    HandOver: _with_stranger,
    MakePolicyEffective: _with_shipped,
    MovePayment: _with_receiver,
    ProposeType: _with_grading,
    ProposeUplift: _with_promises,
    RecordOpinion: _with_speaker,
    RecordWrong: _with_wrong,
    RefuseAutomatic: _with_people_of_the_day,
    ReplaceRecord: _with_moved,
    WithdrawCall: _with_duty,
    **dict.fromkeys(
        (
            ClaimLateCharge,
            DecideInstalments,
            DecideRefund,
            DecideWaiver,
            PromisePayment,
            ProposeInstalments,
            ProposeRefund,
            ProposeWaiver,
            RaiseCharge,
        ),
        _with_tenures,
    ),
    **dict.fromkeys(PLAN.commands, _with_today),
    ReceivePayment: _with_payer,
    RefuseOrder: _with_stranger,
    ReturnOrder: _with_stranger,
}
"""Commands that are told of another slice, and how."""
