"""What commands must be told to be decided where it stands in another slice or in the log (LOG-08).

What a slice itself knows it looks up itself; here stands what truly crosses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from typing import Any

from attrs import evolve

from crm_core.application.adopted import NOT_FACTS
from crm_core.application.care_lookups import CARE_LOOK_UPS
from crm_core.application.erasing import sealed_of
from crm_core.application.records import moved, records_since
from crm_core.application.sight import WorkSight
from crm_core.application.signing import SIGNING_LOOK_UPS
from crm_core.application.streams import no_file
from crm_core.application.survey_lookups import SURVEY_LOOK_UPS, households, spoken
from crm_core.application.visiting import with_call, with_occasions
from crm_core.errors import UnknownPolicy
from crm_core.gradings import GRADING
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
from crm_core.gradings.record import run_of_record
from crm_core.gradings.replay import decide_again
from crm_core.gradings.state import Gradings, Year
from crm_core.gradings.uplift import DEFAULT_UPLIFT, Promises, UpliftPolicy, promises
from crm_core.kernel.commands import fields_looked_up
from crm_core.kernel.dates import Period, add_months, local_date
from crm_core.kernel.decider import Refusal
from crm_core.kernel.policy import PolicyFault, PolicyRef
from crm_core.kernel.recorded import Recorded
from crm_core.kernel.subjects import parts
from crm_core.messages import MESSAGES, STAFF_MESSAGES
from crm_core.messages.commands import Known, QueueMessage
from crm_core.messages.policy import DEFAULT_MESSAGES, MessagePolicy
from crm_core.messages.staff import TellStaff
from crm_core.messages.template import Template
from crm_core.opinions import RecordOpinion
from crm_core.owners import HOUSEHOLD, PROSPECT
from crm_core.owners.card.commands import AssignKeeper
from crm_core.owners.facts import ConditionRecorded
from crm_core.owners.prospects import Prospect
from crm_core.owners.sampling import DrawSample
from crm_core.owners.tenures import concerned, tenures_of
from crm_core.payments import ACCOUNT
from crm_core.payments.clauses import epochs_of
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
from crm_core.privacy import (
    ERASING,
    EraseHousehold,
    EraseMember,
    EraseStaff,
    Erasures,
    PlaceLegalHold,
    PlaceStaffHold,
)
from crm_core.privacy.commands import ErasedFile
from crm_core.privacy.consent import GiveConsent, Heard, WithdrawConsent
from crm_core.privacy.consent_texts import CONSENT_TEXTS
from crm_core.privacy.decide import WHOLE as COMPANY
from crm_core.privacy.events import HouseholdErased, StaffHoldPlaced
from crm_core.privacy.lookups import answers
from crm_core.privacy.purposes import DEFAULT_PURPOSES, PurposesPolicy
from crm_core.privacy.rights import AUTOMATIC, AskRight, speaker_of
from crm_core.privacy.state import Hold
from crm_core.requests import PLAN, REQUEST, Request
from crm_core.requests.calls import Call, WithdrawCall
from crm_core.requests.commands import Dispatch, GrabOrder, HandOver, RefuseOrder, ReturnOrder
from crm_core.requests.deciding.orders import named_by, order_of
from crm_core.requests.improvement import ProposeImprovement
from crm_core.requests.rotation import Crew
from crm_core.staff import REGISTER, ROSTER, RecordWrong
from crm_core.staff.lookups import strangers
from crm_core.staff.register import WHOLE, Register
from crm_core.visits import AppointVisit, ArrangeVisits, NoteVisitAttempt, RecordVisit

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
    policy = sight.policy(MessagePolicy, DEFAULT_MESSAGES, day)
    barred, agreed = answers(sight, command.household, policy.purposes, day)
    known = Known(
        at=sight.at,
        zone=sight.zone,
        policy=policy,
        members=tuple(sight.streams.holding(command.household, day)),
        elsewhere=tuple(
            sight.state(MESSAGES, one)
            for one in sight.streams.merges().group(command.household)
            if one != command.household
        ),
        erased=_erased(sight.streams.members(command.household), sight),
        template=template,
        neutral=neutral,
        barred=barred,
        agreed=agreed,
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
        erased=_erased([command.staff], sight),
        template=template,
        duty_from=_next_duty(command.staff, register, sight) if on_the_staff else None,
    )
    return evolve(command, known=known)


def _erased(persons: Iterable[str], sight: WorkSight) -> frozenset[str]:
    """Those of them who are erased: nothing is told to them any more (PRV-04)."""
    erasures: Erasures = sight.state(ERASING, COMPANY)
    return frozenset(person for person in persons if person in erasures.erased)


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


# --- of privacy --------------------------------------------------------------------------------


def _with_heard(command: Any, _state: Any, sight: WorkSight) -> Any:
    """Who belonged to the household when it was said, and what could be agreed to then (PRV-05)."""
    on = local_date(command.said_at, sight.zone)
    file = sight.streams.file(command.household)
    roles = () if file is None else file.roles()
    held = (r for r in roles if r.since <= on and (r.until is None or on <= r.until))
    heard = Heard(
        on=on,
        members=frozenset(role.member for role in held),
        ever=frozenset(role.member for role in roles),
        policy=sight.policy(PurposesPolicy, DEFAULT_PURPOSES, on),
        texts=sight.state(CONSENT_TEXTS, command.purpose),
    )
    return evolve(command, heard=heard)


def _with_person(command: AskRight, _state: Any, sight: WorkSight) -> AskRight:
    """Whether the person was ever one of the household or of the staff (PRV-09), and whether who
    objects to decisions by rule alone can (GRD-13).
    """
    if command.household:
        known = command.member in sight.streams.members(command.household)
    else:
        register: Register = sight.state(REGISTER, WHOLE)
        known = register.names(command.member) or not register.in_force(sight.present_day)
    refused = None
    if not known:
        refused = Refusal("unknown_person", "PRV-09", {"member": command.member})
    elif command.about == AUTOMATIC:
        asked = RefuseAutomatic(command.household, local_date(command.asked_at, sight.zone))
        there = _with_people_of_the_day(asked, sight.state(GRADING, command.household), sight)
        if speaker_of(command) not in there.members:
            details = {"household": command.household}
            refused = Refusal("not_the_owner", "GRD-13", details)
    return evolve(command, refused_there=refused)


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


def _with_employed(command: AssignKeeper, _state: Any, sight: WorkSight) -> AssignKeeper:
    """Whether the keeper is not on the staff, where there is a register of it (OWN-08)."""
    return evolve(command, unemployed=bool(strangers((command.keeper,), command.on, sight)))


def _with_population(command: DrawSample, _state: Any, sight: WorkSight) -> DrawSample:
    """The households that take part in a draw: those whose file stands on that day (OWN-07)."""
    return evolve(command, population=households(sight, command.estate, command.on))


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
    register: Register = sight.state(REGISTER, WHOLE)
    return evolve(
        command,
        known_on=today,
        strangers=strangers(named, today, sight),
        alike=command.supervisor in register.ids_of(command.responsible),
    )


# --- of opinions -------------------------------------------------------------------------------


def _with_speaker(command: RecordOpinion, _state: Any, sight: WorkSight) -> RecordOpinion:
    """Whether it is an opinion of the household's: whose, held then, and about what (LOG-08)."""
    about = None if command.about is None else sight.state(REQUEST, command.about)
    found: RecordOpinion = evolve(
        spoken(command, sight),
        about_unknown=about is not None
        and not (
            isinstance(about, Request) and sight.same_household(about.household, command.household)
        ),
    )
    return found


# --- of erasing ----------------------------------------------------------------------------------


def _with_members_of_all_tenures(
    command: EraseHousehold, state: Erasures, sight: WorkSight
) -> EraseHousehold:
    """Whose keys there are, and whether anything was recorded since the household was erased."""
    files = tuple(
        ErasedFile(one, tuple(sorted(sight.streams.told(one))), _is_untouched(one, state, sight))
        for one in sight.streams.merges().group(command.household)
    )
    keys = {key for file in files for key in (state.key(file.household), *file.members)}
    return evolve(command, files=files, shared=_shared(keys, state, sight))


def _is_untouched(household: str, state: Erasures, sight: WorkSight) -> bool:
    if not state.times_of(household):
        return False
    # One erasure of several files stands under the household that was named.
    erased = max(
        recorded.position
        for recorded in sight.log.read(ERASING.stream(COMPANY))
        if isinstance(recorded.event, HouseholdErased) and recorded.event.household == household
    )
    return not any(
        recorded.position > erased and not recorded.name.startswith("privacy.")
        for _, events in sight.log.by_household(households=[household])
        for recorded in events
    )


def _with_file(command: EraseMember, state: Erasures, sight: WorkSight) -> EraseMember:
    """In which file somebody of that id was ever told of, by mistake or not."""
    group = sight.streams.merges().group(command.household)
    holding = (one for one in group if command.member in sight.streams.told(one))
    shared = _shared({command.member}, state, sight)
    return evolve(command, file=next(holding, None), shared=shared)


def _with_membership(command: Any, _state: Any, sight: WorkSight) -> Any:
    """Whether nobody of that id was ever told of in the file, by mistake or not."""
    ever = sight.streams.ever(command.household) or frozenset()
    return evolve(command, stranger=command.member not in ever)


def _with_employment(command: Any, _state: Any, sight: WorkSight) -> Any:
    """Whether nobody of that id ever worked here, or was a potential customer of no household."""
    register: Register = sight.state(REGISTER, WHOLE)
    prospect: Prospect = sight.state(PROSPECT, command.staff)
    return evolve(command, stranger=not register.names(command.staff) and not prospect.status)


def _with_texts(command: EraseStaff, state: Erasures, sight: WorkSight) -> EraseStaff:
    found: EraseStaff = _with_employment(command, state, sight)
    return evolve(found, shared=_shared({command.staff}, state, sight))


def _shared(keys: set[str], state: Erasures, sight: WorkSight) -> tuple[str, ...]:
    """Holds on others who stand in a text with those who are erased: it would close (0062)."""
    held = {hold.hold: _held_by(hold, state, sight) for hold in state.standing()}
    found: set[str] = set()
    for recorded in sight.log.feed() if held else ():
        for value, _, _ in sealed_of(recorded):
            about = {*parts(value.subject)}
            closed = any(one in state.erased for one in about)
            if not closed and not about.isdisjoint(keys):
                found.update(one for one, whose in held.items() if not about.isdisjoint(whose))
    return tuple(sorted(found))


def _held_by(hold: Hold, state: Erasures, sight: WorkSight) -> frozenset[str]:
    """Ids of the keys that a hold keeps."""
    if isinstance(hold, StaffHoldPlaced):
        return frozenset({hold.staff})
    if hold.member is not None:
        return frozenset({hold.member})
    return sight.streams.told(hold.household) | {state.key(hold.household)}


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
    account = [
        (event, position) for position, _, event in sight.told(command.household, command.on)
    ]
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
    found = set() if file is None else set(concerned(file, held.tenure, period))
    for one in sight.streams.merges().merged(command.household):
        merged = sight.streams.file(one)
        if merged is not None:
            for tenure in tenures_of(merged).every:
                found |= set(concerned(merged, tenure.key, period))
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
    told = sight.told(command.household, grading.period_end, now)
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
    **SIGNING_LOOK_UPS,
    **SURVEY_LOOK_UPS,
    **dict.fromkeys(MESSAGES.commands, _with_members),
    **dict.fromkeys(STAFF_MESSAGES.commands, _with_work_of),
    **CARE_LOOK_UPS,
    AcceptAutomatic: _with_people_of_the_day,
    AppointVisit: with_call,
    ArrangeVisits: with_occasions,
    AskRight: _with_person,
    AssignKeeper: _with_employed,
    ConfirmGrading: _with_grading,
    ConfirmType: _with_grading,
    ContestGrading: _with_contesting,
    DecideReview: _with_review,
    DecideUplift: _with_promises,
    Dispatch: _with_order,
    DraftPolicy: _with_taken,
    GiveConsent: _with_heard,
    EraseHousehold: _with_members_of_all_tenures,
    EraseMember: _with_file,
    EraseStaff: _with_texts,
    DrawSample: _with_population,
    GrabOrder: _with_crew,
    HandOver: _with_stranger,
    MakePolicyEffective: _with_shipped,
    MovePayment: _with_receiver,
    NoteVisitAttempt: with_call,
    PlaceLegalHold: _with_membership,
    PlaceStaffHold: _with_employment,
    ProposeType: _with_grading,
    ProposeUplift: _with_promises,
    RecordOpinion: _with_speaker,
    RecordVisit: with_call,
    RecordWrong: _with_wrong,
    RefuseAutomatic: _with_people_of_the_day,
    ReplaceRecord: _with_moved,
    WithdrawCall: _with_duty,
    WithdrawConsent: _with_heard,
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
