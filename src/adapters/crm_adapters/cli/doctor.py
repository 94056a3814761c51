"""`crm doctor`: what the library runs on, and whether anything about a log is amiss.

No personal value is opened, and nothing is made: neither a log nor a key file.
"""

from __future__ import annotations

import platform
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

from crm_adapters.cli.commands import COMMANDS
from crm_adapters.cli.group import FOUND, MEMORY, App, command, version_of
from crm_adapters.cli.language import say, spoken, word
from crm_adapters.cli.output import Output
from crm_adapters.eventlog.sqlite_files import LOCK, NOTHING, ONE, has_reset_bug, kept_apart
from crm_adapters.extensions import COMMANDS as COMMANDS_GROUP
from crm_adapters.extensions import Brought, everything
from crm_adapters.keys.drill import sealed_values
from crm_adapters.projections.store import LIVE
from crm_core.application.calendars import notices_in_force, notices_missing
from crm_core.application.tombstones import missing, unsaid
from crm_core.crm import CRM
from crm_core.errors import CrmError
from crm_core.kernel.dates import instant_text, local_date, start_of_day
from crm_core.kernel.public_holidays import COUNTRIES, HolidayNotice, shipped_notices
from crm_core.staff.duty import CoverPlanned


@command("doctor")
def doctor(app: App) -> int:
    """Versions, the log, keys, staff, authority, cover, holidays; and whether all is well."""
    found = {
        "versions": _versions(),
        "extensions": _extensions(),
        "sqlite": _sqlite(app),
        **_of_log(app),
    }
    told = {**found, "findings": [*_findings(found)]}
    app.out.result(told, lambda: _show(app.out, told))
    return FOUND if told["findings"] else 0


def _versions() -> dict[str, str | None]:
    return {
        "crm-core": version_of("crm-core"),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "sqlalchemy": version_of("sqlalchemy"),
        "eventsourcing": version_of("eventsourcing"),
    }


def _extensions() -> list[dict[str, Any]]:
    """What other packages bring, and what is wrong with it."""
    return [
        {"group": one.group, "name": one.name, "package": one.package, "error": _wrong(one)}
        for one in everything()
    ]


def _wrong(one: Brought) -> str | None:
    if one.group == COMMANDS_GROUP and one.name in COMMANDS:
        return say("command_there", command=one.name)
    return None if one.error is None else one.error.told(spoken())


_APART = {LOCK: "apart_lock", ONE: "apart_one_process", NOTHING: "apart_nothing"}
"""The sentence of each thing that can keep writers apart."""


def _sqlite(app: App) -> dict[str, Any] | None:
    """What keeps those apart who write the file of the log; None where it has none."""
    if app.file is None:
        return None
    return {
        "version": sqlite3.sqlite_version,
        "reset_bug": has_reset_bug(),
        "apart": kept_apart(app.file),
    }


def _holidays(opened: CRM | None) -> dict[str, Any]:
    """The last year with an official notice, by country, and the years that need one by now."""
    known: tuple[HolidayNotice, ...] = tuple(n for c in COUNTRIES for n in shipped_notices(c))
    missing: dict[str, list[int]] = {}
    if opened is not None:
        now = opened.clock.now()
        known = notices_in_force(opened.host, now)
        missing = {c: list(years) for c, years in notices_missing(opened.host, now).items()}
    years = {c: max((n.year for n in known if n.country == c), default=None) for c in COUNTRIES}
    return {"holidays": years, "notices_missing": missing}


# --- the log and what belongs to it ------------------------------------------------------------


def _of_log(app: App) -> dict[str, Any]:
    """What can be said of the log and of what belongs to it; without one, only its place."""
    log: dict[str, Any] = {
        "url": app.shown_url,
        "there": not app.missing,
        "format": None,
        "end": None,
        "error": None,
    }
    parts = ("log", "keys", "tombstones", "staff", "authority", "parked")
    found: dict[str, Any] = dict.fromkeys(parts)
    found["log"] = log
    found["cover"] = []
    found |= _holidays(None)
    if app.missing:
        return found
    try:
        found["keys"] = _keys(app)
        with _opened(app) as opened:
            log["format"] = getattr(opened.log, "format_number", None)
            log["end"] = opened.log.head()
            found |= _holidays(opened)
            found["tombstones"] = _tombstones(app, opened)
            if not found["keys"]["there"]:
                found["keys"]["needed"] = _holds_sealed(opened)
            found["parked"] = {
                "events": sum(one.parked for one in opened.views.status() if one.state == LIVE),
                "rows": len(opened.views.parked_rows()),
            }
            authority = opened.authority()
            register, ref = authority.register, authority.policy.ref
            found["staff"] = {
                "persons": len({period.staff for period in register.periods}),
                "in_force": register.in_force(local_date(opened.clock.now(), opened.zone)),
                "rosters": _rosters(opened),
            }
            found["authority"] = {
                "policy": ref.name,
                "version": ref.version,
                "digest": ref.digest,
            }
            found["cover"] = _cover(opened)
    except CrmError as error:
        log["error"] = f"{error.told(spoken())} [{error.code}]"
    return found


def _opened(app: App) -> CRM:
    """The log with an empty vault: a key file that is missing must not be made by looking."""
    from crm_adapters.codec import Codec
    from crm_adapters.eventlog.database import Database
    from crm_adapters.eventlog.log import CodecEventLog
    from crm_adapters.eventlog.opening import brought_store, open_database
    from crm_adapters.keys import LocalVault
    from crm_adapters.projections import DatabaseViewStore, LogViews, MemoryViewStore
    from crm_adapters.slices import installed
    from crm_adapters.wiring import RandomIds, SystemClock

    if app.url == MEMORY:
        return app.open()
    vault, registry, clock = LocalVault(), installed(), SystemClock()
    store = brought_store(app.url, tenant=app.tenant) or open_database(app.url, tenant=app.tenant)
    rows = DatabaseViewStore(store) if isinstance(store, Database) else MemoryViewStore()
    log = CodecEventLog(store, Codec(registry.catalog, vault))
    return CRM(
        log,
        vault=vault,
        clock=clock,
        ids=RandomIds(),
        zone=app.zone,
        views=LogViews(log, rows, clock),
        registry=registry,
    )


def _cover(opened: CRM) -> list[dict[str, Any]]:
    """Times of today and tomorrow, from now on, in which nobody answers a line."""
    now = opened.clock.now()
    end = start_of_day(local_date(now, opened.zone) + timedelta(days=2), opened.zone)
    return [
        {"line": line, "from": gap.start, "to": gap.end}
        for line in opened.requests.lines()
        for gap in opened.requests.cover(line, now, end)
    ]


def _keys(app: App) -> dict[str, Any]:
    """The key file as it lies there: how many persons it knows, and none of their keys."""
    path = app.key_file
    from crm_adapters.keys.files import connect  # Only here: help needs no cryptography.

    told: dict[str, Any] = {"file": None if path is None else str(path), "there": False}
    told |= {"readable": None, "persons": None, "erased": None, "needed": False}
    if path is None or not path.is_file():
        return told
    told |= {"there": True, "readable": False}
    try:
        # As every other command opens it: what they refuse is not readable.
        with closing(connect(path, seconds=1)) as file:
            [(persons, erased)] = file.execute(
                "SELECT count(key), count(*) - count(key) FROM crm_keys"
            )
        told |= {"readable": True, "persons": persons, "erased": erased}
    except (sqlite3.Error, UnicodeDecodeError, OSError, CrmError):
        pass
    return told


def _tombstones(app: App, opened: CRM) -> dict[str, Any]:
    """Who was erased, as it is known outside log and keys, and what is left to be done of it."""
    path = app.erased_file
    told: dict[str, Any] = {"file": None if path is None else str(path), "there": False}
    told |= {"readable": None, "erasures": None, "unfinished": None, "unsaid": None}
    told |= {"returned": None}
    if path is None:
        return told
    from crm_adapters.tombstones import FileTombstones

    told["there"] = path.is_file()
    try:
        stones = FileTombstones(path, app.tenant).read()
    except CrmError:
        return told | {"readable": False}
    missed = missing(opened.host, stones)
    known = [*stones, *missed]
    keys = {key for stone in known for key in stone.keys}
    destroyed = _of_keys(app, "SELECT subject FROM crm_keys WHERE key IS NULL")
    held = _of_keys(app, "SELECT subject FROM crm_keys WHERE key IS NOT NULL")
    return told | {
        "readable": True if told["there"] else None,
        "erasures": len(stones),
        "unfinished": sum(not stone.settled for stone in stones),
        "unsaid": len(missed) + len(unsaid(destroyed or (), known)),
        "returned": None if held is None else len(keys.intersection(held)),
    }


def _of_keys(app: App, asked: str) -> set[str] | None:
    """Persons of whom the key file says something; None where nobody can tell."""
    path = app.key_file
    if path is None or not path.is_file():
        return set()
    from crm_adapters.keys.files import connect

    try:
        with closing(connect(path, seconds=1)) as file:
            return {subject for (subject,) in file.execute(asked)}
    except (sqlite3.Error, OSError, CrmError):
        return None


def _holds_sealed(opened: CRM) -> bool:
    """Whether any event holds a sealed value; the first that does is the answer."""
    return any(True for _ in sealed_values(opened.log))


def _rosters(opened: CRM) -> list[str]:
    """The lines and trades of which a roster says who is on duty."""
    names = [kind.stored for kind in opened.registry.catalog.types if kind.cls is CoverPlanned]
    return sorted({recorded.event.line for recorded in opened.log.feed(names=names)})


# --- what is wrong, and how it is told ---------------------------------------------------------


def _findings(found: dict[str, Any]) -> Iterator[str]:
    """Codes of what is wrong."""
    log, keys = found["log"], found["keys"]
    if not log["there"]:
        yield "log_missing"
    if log["error"] is not None:
        yield "log_unusable"
    if keys is not None and keys["needed"]:
        yield "keys_missing"
    if keys is not None and keys["readable"] is False:
        yield "keys_unreadable"
    stones = found["tombstones"]
    if stones is not None and stones["readable"] is False:
        yield "tombstones_unreadable"
    if stones is not None and any(stones[one] for one in ("unfinished", "unsaid", "returned")):
        yield "tombstones_unapplied"
    if found["sqlite"] is not None and found["sqlite"]["apart"] == NOTHING:
        yield "writers_together"
    if any(one["error"] for one in found["extensions"]):
        yield "extension_unusable"
    if found["cover"]:
        yield "cover_gaps"
    if found["parked"] is not None and any(found["parked"].values()):
        yield "parked"
    if found["notices_missing"]:
        yield "notices_missing"


def _show(out: Output, told: dict[str, Any]) -> None:
    unknown = say("not_installed")
    out.table(
        ["part", "version"],
        [[name, version or unknown] for name, version in told["versions"].items()],
    )
    out.print()
    for line in _lines(told):
        out.print(line)
    out.print()
    for finding in told["findings"]:
        out.print(say("finding", what=say(f"finding_{finding}")))
    if not told["findings"]:
        out.print(say("all_is_well"))


def _lines(told: dict[str, Any]) -> Iterator[str]:
    log, keys, staff, authority = (told[name] for name in ("log", "keys", "staff", "authority"))
    for one in told["extensions"]:
        sentence = "doctor_extension" if one["error"] is None else "doctor_extension_unusable"
        yield say(sentence, **one)
    yield say("doctor_log", url=log["url"])
    if log["error"] is not None:
        yield log["error"]
    if log["end"] is not None:
        yield say("doctor_log_end", format=log["format"], end=log["end"])
    if told["sqlite"] is not None:
        code = "doctor_sqlite_affected" if told["sqlite"]["reset_bug"] else "doctor_sqlite"
        apart = say(_APART[told["sqlite"]["apart"]])
        yield say(code, version=told["sqlite"]["version"], apart=apart)
    if keys is not None and keys["file"] is not None:
        code = "doctor_keys" if keys["readable"] else "doctor_no_keys"
        yield say(code, file=keys["file"], persons=keys["persons"], erased=keys["erased"])
    stones = told["tombstones"]
    if stones is not None and stones["file"] is not None:
        if stones["readable"] is False:
            yield say("doctor_tombstones_unreadable", **stones)
        elif stones["there"] or stones["unsaid"]:
            yield say("doctor_tombstones", **stones)
        else:
            yield say("doctor_no_tombstones", **stones)
    if staff is not None:
        yield say("doctor_staff" if staff["in_force"] else "doctor_no_staff", **staff)
        yield say("doctor_rosters" if staff["rosters"] else "doctor_no_rosters", **staff)
    if authority is not None:
        yield say("doctor_authority", **authority)
    for gap in told["cover"]:
        yield say(
            "doctor_cover",
            line=gap["line"],
            start=instant_text(gap["from"]),
            end=instant_text(gap["to"]),
        )
    if told["parked"] is not None:
        yield say("doctor_parked", **told["parked"])
    for country, year in told["holidays"].items():
        yield say("doctor_holidays", country=word("country", country.lower()), year=year)
    for country, years in told["notices_missing"].items():
        yield say("doctor_notices_missing", country=word("country", country.lower()), years=years)
