"""One URL to a working CRM: store, keys, clock, ids."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.engine import make_url

from crm_adapters.codec import Codec
from crm_adapters.eventlog.database import Database
from crm_adapters.eventlog.log import CodecEventLog
from crm_adapters.eventlog.memory import MemoryStore
from crm_adapters.eventlog.opening import brought_store, open_database
from crm_adapters.eventlog.store import RowStore
from crm_adapters.frames import BACKENDS, FramesEngine
from crm_adapters.hosting import BackOff
from crm_adapters.keys import Guard, LocalVault, Unlock
from crm_adapters.projections import DatabaseViewStore, LogViews, MemoryViewStore, ViewStore
from crm_adapters.reads import DatabaseReadLog, MemoryReadLog
from crm_adapters.register import Register
from crm_adapters.slices import installed, registry_of
from crm_adapters.tombstones import FileTombstones
from crm_adapters.traces import WorkingTraces
from crm_adapters.urns import FileUrns
from crm_core.application.tombstones import resume
from crm_core.crm import CRM
from crm_core.gradings.engines.port import FactsEngine
from crm_core.hosting import Patience, Telemetry
from crm_core.kernel.dates import ESTATE_ZONE
from crm_core.kernel.slice import Slice
from crm_core.policies import PolicyBook
from crm_core.ports import EventLog, Tombstones, Traces, Urns
from crm_core.reads import ReadLog

MEMORY = "memory:"

MakeEngine = Callable[[EventLog, str], FactsEngine]
"""Makes an engine for facts over a log, for a zone."""


class SystemClock:
    """The clock of the machine, in UTC."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class RandomIds:
    """Random ids (UUID version 4)."""

    def new(self) -> str:
        return str(uuid.uuid4())


def open_crm(
    url: str = "sqlite:///crm.db",
    *,
    create: bool = False,
    tenant: str = "",
    keys: str | Path | None = None,
    guard: Guard | Unlock | None = None,
    suite: str | None = None,
    erased: str | Path | None = None,
    policies: PolicyBook | None = None,
    zone: str = ESTATE_ZONE,
    slices: Iterable[Slice] | None = None,
    patience: Patience | None = None,
    telemetry: Telemetry | None = None,
    engines: Iterable[MakeEngine] = (),
) -> CRM:
    """A CRM over the log at `url`.

    Args:
        url: `memory:`, a SQLAlchemy URL of SQLite, PostgreSQL or MariaDB, or one whose store an
            installed package brings (`docs/how-to/extend.md`).
        create: Make a log where there is none; a log in memory always is a new one.
        tenant: Which of the logs in the database, where several companies or estates share one.
        keys: File of the key vault. By default it lies beside an SQLite log, as `NAME.keys`;
            for a server it is `crm.keys` in the working folder. A tenant's has its name in it, as
            `NAME.TENANT.keys`: nobody's keys are another's.
        guard: What protects the key file, or a function that says so when a key is needed first,
            like `crm_adapters.keys.guard_of`; what is in memory alone needs none.
        suite: Of the values that are sealed and the keys that are made, `aes-256-gcm` or `sm4-gcm`;
            by default that of the key file.
        erased: File of the tombstones of who was erased, which lies where the key file does by
            default, as `NAME.erased`; no backup of log or keys should have it in it.
        policies: Policies that can be used; those shipped by default.
        zone: Zone of the estate's days and years.
        slices: What it is made of; by default the library's own and those that installed packages
            bring (`crm_adapters.slices`).
        patience: How often, and how long apart, a command is decided again where another writer was
            first; by default eight times, a second at most in all.
        telemetry: Is told what goes on, e.g. `crm_adapters.telemetry.OpenTelemetry()`.
        engines: Makers of engines for facts besides the library's own, given the log and the zone.

    Raises:
        Invalid: the URL cannot be used, or there is no log and none is to be made.
        StoreUnreachable, NotALog: nor can what it names.
    """
    store: RowStore
    rows: ViewStore
    reads: ReadLog | None
    folder: Path | None = None
    tombstones: Tombstones | None = None
    traces: Traces | None = None
    urns: Urns | None = None
    if url == MEMORY:
        store, vault = MemoryStore(), _vault(None if keys is None else Path(keys), guard, suite)
        rows, reads = MemoryViewStore(), MemoryReadLog()
    else:
        store = brought_store(url, tenant=tenant, create=create) or open_database(
            url, tenant=tenant, create=create
        )
        # Where nothing can be written, all that is derived is derived anew for whoever asks.
        rows, reads = MemoryViewStore(), getattr(store, "reads", None)
        if isinstance(store, Database):
            reads = DatabaseReadLog(store)
            if not store.read_only:
                rows, folder = DatabaseViewStore(store), beside(url, tenant, "facts")
        tombstones = FileTombstones(Path(erased or beside(url, tenant, "erased")), tenant)
        urns = FileUrns(beside(url, tenant, "urn"))
        checkpoint = getattr(store, "checkpoint", None)
        traces = WorkingTraces(Register(beside(url, tenant, "written")), folder, checkpoint)
        try:
            vault = _vault(Path(keys or beside(url, tenant, "keys")), guard, suite)
        except BaseException:
            store.close()
            raise
    registry = installed() if slices is None else registry_of(slices)
    log = CodecEventLog(store, Codec(registry.catalog, vault))
    clock = SystemClock()
    crm = CRM(
        log,
        vault=vault,
        clock=clock,
        ids=RandomIds(),
        policies=policies,
        zone=zone,
        engines=[
            *(FramesEngine(name, log, zone, folder) for name in BACKENDS),
            *(make(log, zone) for make in engines),
        ],
        views=LogViews(log, rows, clock, telemetry=telemetry),
        tombstones=tombstones,
        traces=traces,
        urns=urns,
        registry=registry,
        reads=reads,
        patience=patience or BackOff(),
        telemetry=telemetry,
    )

    def finish() -> None:
        # Slow to load, and hardly ever needed.
        crm.privacy.finish()

    try:
        # Before anything is read: keys, or a log, of before an erasure may have been put back.
        resume(crm.host, finish)
    except BaseException:
        crm.close()
        raise
    return crm


def _vault(path: Path | None, guard: Guard | Unlock | None, suite: str | None) -> LocalVault:
    return LocalVault(path, guard=None if path is None else guard, suite=suite)


def beside(url: str, tenant: str, kind: str) -> Path:
    """Where what belongs to a log lies by default: beside an SQLite file, else in this folder.

    Args:
        url: SQLAlchemy URL of the log; `memory:` has nothing beside it.
        tenant: Whose log it is, as for `open_crm`.
        kind: What it is, and the ending of its name: `keys` for the key file, `facts` for the
            folder of kept columns, `erased` for the tombstones, `written` for the register of
            files, `urn` for anonymous answers that are not counted yet.
    """
    ending = f".{tenant}.{kind}" if tenant else f".{kind}"
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        return Path(parsed.database + ending)
    return Path("crm" + ending)
