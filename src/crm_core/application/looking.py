"""One question of one person: what it shows, what it withholds, and what is written down of it
(PRV-01, PRV-06). `Access.look` begins one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

import attrs
from attrs import field

from crm_core.application.answers import (
    changed,
    growing_list,
    growing_map,
    household_in,
    household_of,
    is_nothing,
)
from crm_core.application.classes import ANYTHING, CONTAINER, name_of
from crm_core.application.read_purposes import kept
from crm_core.errors import Failed, Refused
from crm_core.kernel.access import (
    CASE,
    CONSENT,
    JOINED,
    LIST,
    NO_CASE,
    OWN,
    PURPOSE,
    PURPOSE_MISSING,
    READ_LOG,
    TIER,
    TRAINING,
    UNDERTAKING,
    AccessPolicy,
    Answer,
    Asking,
    is_personal,
    masked,
)
from crm_core.kernel.data_map import CLASSES
from crm_core.kernel.decider import Refusal
from crm_core.kernel.growing import GrowingList, GrowingMap
from crm_core.kernel.recorded import Actor
from crm_core.kernel.sealed import Opened, PersonalValue, Place, Plain, Sealed, Withheld
from crm_core.kernel.values import define
from crm_core.reads import Read

if TYPE_CHECKING:
    from crm_core.application.access import Access

PAGE = 500
"""Of a long answer so many values are looked at, and their reads written, at a time."""

QUIET = ("host", "system")
"""Whose reading is not written down where they were shown nothing: nobody looks through them."""


class OpenedText(str):
    """A personal value that was opened to be put into a paper, and knows whose it is."""

    __slots__ = ("household", "name", "subject")
    household: str
    subject: str
    name: str


@define
class Look:
    """One question of one person.

    Args:
        access: Where the question is asked.
        by: Who asks.
        purpose: What for, as they said it.
        code: The purpose it is known as; None if none is stated.
        policy: The table in force.
        lacking: What keeps them from personal values, if anything does.
        source: The question.
        correlation: The matter or export it belongs to.
        listed: Whether it is a list of households.
        gated: Whether what is opened is shown cell by cell, by `saw_text`, and not all of it.
    """

    access: Access
    by: Actor
    purpose: str
    code: str | None
    policy: AccessPolicy
    lacking: str
    source: str
    correlation: str = ""
    listed: bool = False
    gated: bool = False
    _answers: dict[Any, Answer] = field(factory=dict)
    _whose: dict[tuple[str, str], bool] = field(factory=dict)
    _consented: dict[tuple[str, str], bool] = field(factory=dict)
    _parts: set[tuple[str, str]] = field(factory=set)
    _shown: dict[tuple[str, str], set[str]] = field(factory=dict)
    _denied: dict[tuple[str, str], dict[str, str]] = field(factory=dict)

    # --- one value -----------------------------------------------------------------------

    def answer(self, data: str | None, household: str = "", *, joined: bool = False) -> Answer:
        """Whether they see values of a class of data of that household, and why."""
        if data is None:
            return Answer(reason=TIER)
        conditions = {
            grant.condition
            for grant in self.policy.grants
            if grant.condition and grant.covers(self.by.role, CLASSES[data])
        }
        own = OWN in conditions and self._is(OWN, household)
        case = CASE in conditions and self._is(CASE, household)
        key = (data, own, case, joined)
        if key not in self._answers:
            asking = Asking(
                role=self.by.role,
                purpose=self.code,
                own=own,
                case=case,
                listed=self.listed,
                joined=joined,
                lacking=self.lacking,
            )
            self._answers[key] = self.policy.decide(asking, CLASSES[data])
        return self._answers[key]

    def _is(self, condition: str, household: str) -> bool:
        key = (condition, household)
        if key not in self._whose:
            ask = self.access.belongs if condition == OWN else self.access.in_hand
            self._whose[key] = ask(self.by, household)
        return self._whose[key]

    def of_person(self, data: str, household: str, subject: str) -> Answer:
        """The same of one person, who may have said no to the purpose."""
        answer = self.answer(data, household)
        if not answer.granted or not answer.personal:
            return answer
        key = (household, subject)
        if key not in self._consented:
            self._consented[key] = self.access.consented(household, subject, self.code)
        return answer if self._consented[key] else Answer(reason=CONSENT)

    def check(self, data: str, field: str, household: str, subject: str = "") -> Answer:
        """That they see a value of that class, which is written down; or the refusal is.

        Raises:
            Refused: they do not.
            Failed: the read log cannot be written, so nothing is shown.
        """
        answer = self.of_person(data, household, subject)
        if not answer.granted:
            self.deny((field,), answer.reason, household, subject)
            raise Refused(self.refusal(answer.reason, household))
        if answer.personal:
            self._shown.setdefault((household, subject), set()).add(field)
        self.write()
        return answer

    def saw(self, field: str, household: str, subject: str) -> None:
        """Write down what is about to be shown.

        Raises:
            Refused, Failed: it cannot be written down, so nothing is shown.
        """
        if self.access.reads is None:
            raise Refused(self.refusal(READ_LOG))
        self._shown.setdefault((household, subject), set()).add(field)
        self.write()

    def saw_of(self, households: Iterable[str], fields: Iterable[str]) -> None:
        """Write down that these fields of these households are about to be shown.

        Raises:
            Failed: it cannot be written down, so nothing is shown.
        """
        for household in households:
            self._shown.setdefault((household, ""), set()).update(fields)
        self.write()

    def refusal(self, reason: str, household: str = "") -> Refusal:
        """What they are told who may not see something."""
        if reason == "not_own":
            details = {"role": self.by.role, "household": household}
            return Refusal("not_of_household", "LOG-08", details)
        role, purposes = self.by.role, list(self.policy.purposes)
        refusals = {
            TIER: Refusal("access_tier", "PRV-01", {"role": role}),
            NO_CASE: Refusal("access_case", "PRV-01", {"role": role}),
            LIST: Refusal("access_list", "PRV-01", {"role": role}),
            JOINED: Refusal("access_joined", "PRV-01", {"role": role}),
            PURPOSE_MISSING: Refusal(
                "access_purpose_missing", "PRV-01", {"role": role, "purposes": purposes}
            ),
            PURPOSE: Refusal("access_purpose", "PRV-01", {"role": role, "purposes": purposes}),
            CONSENT: Refusal("access_consent", "PRV-01", {"role": role}),
            UNDERTAKING: Refusal("access_undertaking", "PRV-01", {"role": role}),
            TRAINING: Refusal("access_training", "PRV-01", {"role": role}),
            READ_LOG: Refusal("access_read_log", "PRV-01", {"role": role}),
        }
        return refusals[reason]

    def deny(self, fields: Iterable[str], reason: str, household: str, subject: str = "") -> None:
        """Write down that something was not shown; where that cannot be written it is not shown
        all the same.
        """
        denied = self._denied.setdefault((household, subject), {})
        denied.update(dict.fromkeys(fields, reason))
        try:
            self.write()
        except Failed:
            self._shown.clear()

    def open(
        self, sealed: Sealed, place: Place, data: str, household: str, subject: str, name: str = ""
    ) -> Opened:
        """A sealed value, opened once its read is written down.

        Args:
            name: What the read log calls it; by default as the field in which it stands.

        Raises:
            Refused: they may not see it.
        """
        answer = self.check(data, name or place.field, household, subject)
        return self._opened(sealed, place, answer)

    def _opened(self, sealed: Sealed, place: Place, answer: Answer) -> Opened:
        """The one place that opens personal values of members (PRV-03)."""
        found = self.access.host.vault.open(sealed, place)
        if answer.masked and isinstance(found, Plain):
            return Plain(masked(found.text))
        return found

    def part(
        self, sealed: Sealed, place: Place, data: str, household: str, subject: str, name: str
    ) -> str | Withheld:
        """A sealed value of an answer that holds more: opened, or why it is not. What `show` or
        `show_made` then hands out was written down in one go; `name` is what the read log calls it.
        """
        answer = self.of_person(data, household, subject)
        if not answer.granted:
            if self.by.role not in QUIET:
                self._denied.setdefault((household, subject), {})[name] = answer.reason
            return Withheld(answer.reason)
        found = self._opened(sealed, place, answer)
        if not isinstance(found, Plain):
            return Withheld(found.code)
        text = OpenedText(found.text)
        text.household, text.subject, text.name = household, subject, name
        if self.gated:
            return text
        self.saw_text(text)
        return found.text

    def saw_text(self, text: OpenedText) -> None:
        """Keep that a value that was opened is shown; `write` writes it down, once."""
        if (text.subject, text.name) not in self._parts:
            self._parts.add((text.subject, text.name))
            self._shown.setdefault((text.household, text.subject), set()).add(text.name)

    # --- whole answers -------------------------------------------------------------------

    def show(self, value: Any, *, household: str = "", joined: bool = False) -> Any:
        """An answer as they may see it.

        Args:
            household: Whose it is, where the answer does not say itself.
            joined: Whether place or name is shown beside it.
        """
        return self.show_made(lambda: value, household=household, joined=joined)

    def show_made(
        self, make: Callable[[], Any], *, household: str = "", joined: bool = False
    ) -> Any:
        """An answer that is put together of parts which are opened for it (see `part`)."""
        value = make()
        self.may_know(household or household_of(value))
        found = self._one(value, household, joined)
        if not self._writes():
            # Personal values stay closed: made again, as by somebody who may see none.
            found = self._one(make(), household, joined)
            self._denied.clear()
        return found

    def show_each(
        self, values: Iterable[Any], *, household: str = "", joined: bool = False
    ) -> Iterator[Any]:
        """A long answer, page by page: of each the reads are written before it is handed out, and
        before the next it is asked anew whether they may still see it.

        Raises:
            Refused: they do not work here any more.
        """
        left, first = iter(values), True
        while page := list(islice(left, PAGE)):
            if not first:
                self.ask_anew()
            first = False
            # Of whose household they may not even know, nothing is said.
            page = [one for one in page if self.knows(household_in(one) or household)]
            shown = [self._one(value, household, joined) for value in page]
            if not self._writes():
                shown = [self._one(value, household, joined) for value in page]
                self._denied.clear()
            yield from shown

    def ask_anew(self) -> None:
        """What holds now: an undertaking may have ended since, a consent, a role, or the table.

        Raises:
            Refused: they do not work here any more.
        """
        now = self.access.look(self.by, self.purpose or None, self.source, self.correlation)
        self.code, self.policy, self.lacking = now.code, now.policy, now.lacking
        for known in (self._answers, self._whose, self._consented):
            known.clear()

    def knows(self, household: str) -> bool:
        """Whether they may know of a household, or of what is the company's, at all."""
        return self.answer("household", household).granted

    def may_know(self, household: str) -> None:
        """That they may know of a household at all; else everything would be withheld.

        Raises:
            Refused: they may not.
        """
        answer = self.answer("household", household)
        if not answer.granted:
            self.deny(("household",), answer.reason, household)
            raise Refused(self.refusal(answer.reason, household))

    def _one(self, value: Any, household: str = "", joined: bool = False) -> Any:
        return self._walk(value, household_in(value) or household, joined)

    def _writes(self) -> bool:
        """Write down what is about to be shown; whether that could be done."""
        shows = bool(self._shown)
        try:
            self.write()
        except Failed:
            self._shown.clear()
            if shows:
                self.lacking = READ_LOG
                self._answers.clear()
                return False
            self._denied.clear()
        return True

    def write(self) -> None:
        """Write down what was shown and what was not, in one go.

        Raises:
            Failed: it cannot be kept.
        """
        reads = [*self._reads_shown(), *self._reads_denied()]
        if not reads or self.access.reads is None:
            self._denied.clear()
            return
        self.access.reads.write(kept(self.access.host.vault, reads, self.code))
        self._shown.clear()
        self._denied.clear()

    def _reads_shown(self) -> Iterator[Read]:
        now = self.access.host.clock.now()
        for (household, subject), fields in self._shown.items():
            yield self._read(now, household, subject, fields, "")

    def _reads_denied(self) -> Iterator[Read]:
        now = self.access.host.clock.now()
        for (household, subject), denied in self._denied.items():
            for reason in sorted(set(denied.values())):
                fields = [name for name, why in denied.items() if why == reason]
                yield self._read(now, household, subject, fields, reason)

    def _read(
        self, now: datetime, household: str, subject: str, fields: Iterable[str], reason: str
    ) -> Read:
        return Read(
            at=now,
            actor=str(self.by),
            purpose=self.purpose,
            household=household,
            subject=subject,
            fields=tuple(sorted(fields)),
            source=self.source,
            correlation=self.correlation,
            reason=reason,
        )

    # --- walking -------------------------------------------------------------------------

    def _walk(self, value: Any, household: str, joined: bool) -> Any:
        match value:
            case None | bool() | str() | int() | PersonalValue() | Withheld():
                return value
            case dict():
                return {key: self._walk(one, household, joined) for key, one in value.items()}
            case GrowingMap():
                shown = [(key, self._walk(one, household, joined)) for key, one in value.items()]
                same = all(
                    one is then for (_, one), then in zip(shown, value.values(), strict=True)
                )
                return value if same else growing_map(shown)
            case GrowingList():
                shown = [self._walk(one, household, joined) for one in value]
                same = all(one is then for one, then in zip(shown, value, strict=True))
                return value if same else growing_list(shown)
            case tuple() if hasattr(value, "_fields"):
                return self._named(value, household, joined)
            case list() | tuple():
                return self._each(value, household, joined)
        if attrs.has(type(value)):
            return self._of(value, household, joined)
        return value

    def _each(self, values: Sequence[Any], household: str, joined: bool) -> Any:
        shown = [self._walk(one, household, joined) for one in values]
        if all(one is then for one, then in zip(shown, values, strict=True)):
            return values
        return tuple(shown) if isinstance(values, tuple) else shown

    def _named(self, values: Any, household: str, joined: bool) -> Any:
        """A tuple whose places have names."""
        classes, cls = self.access.classes, type(values)
        household = household_of(values) or household
        known = {name: classes.of_key(name_of(cls), name) for name in cls._fields}
        if "place" in known.values():
            joined = joined or self.answer("place", household).granted
        return cls(
            *(
                self._walk(value, household, joined)
                if known[name] == CONTAINER
                else self._leaf(known[name], name, value, household, joined)
                for name, value in zip(cls._fields, values, strict=True)
            )
        )

    def _of(self, value: Any, household: str, joined: bool) -> Any:
        cls = type(value)
        classes = self.access.classes
        household = household_of(value) or household
        reach = classes.reach(cls)
        joined = joined or ("place" in reach and self.answer("place", household).granted)
        if all(self._plainly(data, household, joined) for data in reach):
            return value
        changes: dict[str, Any] = {}
        for name, data in classes.of(cls).items():
            found = getattr(value, name)
            if data == CONTAINER:
                shown = self._walk(found, household, joined)
            else:
                shown = self._leaf(data, name, found, household, joined)
            if shown is not found:
                changes[name] = shown
        return changed(value, changes) if changes else value

    def _leaf(self, data: str | None, name: str, found: Any, household: str, joined: bool) -> Any:
        if isinstance(found, PersonalValue):
            # Ciphertext shows nothing; opening it is a question of its own.
            return found
        answer = self.answer(data, household, joined=joined)
        if answer.granted:
            if not is_nothing(found):
                self.note(data, name, answer, household)
            return found
        self.note(data, name, answer, household)
        return Withheld(answer.reason)

    def note(self, data: str | None, name: str, answer: Answer, household: str) -> None:
        """Keep that a value of a household as a whole is shown, or is not, for the read log;
        `write` writes it down.
        """
        if answer.granted:
            if answer.personal:
                self._shown.setdefault((household, ""), set()).add(name)
        elif data is not None and is_personal(CLASSES[data]) and self.by.role not in QUIET:
            self._denied.setdefault((household, ""), {})[name] = answer.reason

    def _plainly(self, data: str | None, household: str, joined: bool) -> bool:
        """Whether all values of a class are shown without a word in the read log."""
        if data == ANYTHING:
            return False
        answer = self.answer(data, household, joined=joined)
        return answer.granted and not answer.personal

    def plain(
        self, data: dict[str, Any], way: str, household: str, *, joined: bool = False
    ) -> dict[str, Any]:
        """An answer of plain data, its keys classed in `answers.toml`."""
        self.may_know(household)
        found = self._keys(data, way, household, joined)
        if not self._writes():
            found = self._keys(data, way, household, joined)
            self._denied.clear()
        return found

    def _keys(self, data: dict[str, Any], way: str, household: str, joined: bool) -> dict[str, Any]:
        classes = self.access.classes
        known = {key: classes.of_key(way, key) for key in data}
        if "place" in known.values():
            joined = joined or self.answer("place", household).granted
        return {
            key: self._within(value, f"{way}.{key}", household, joined)
            if known[key] == CONTAINER
            else self._leaf(known[key], key, value, household, joined)
            for key, value in data.items()
        }

    def _within(self, value: Any, way: str, household: str, joined: bool) -> Any:
        """What stands under a key that holds plain data with keys of its own."""
        if isinstance(value, dict):
            return self._keys(value, way, household, joined)
        if isinstance(value, list):
            return [self._within(one, way, household, joined) for one in value]
        return None if value is None else Withheld(TIER)
