"""What a log needs on a PostgreSQL server: functions, queries, row-level security.

Positions: `(transaction id - origin) * 2^20 + ordinal`. Readers go up to the oldest transaction
that is still open, where everything is final: it either is committed or never will be. The origin
keeps positions small and, moved, lets a log be restored into a cluster whose transaction ids are
lower than those the positions were made of. Where there is no origin, positions are contiguous:
writers take turns by a lock, as long as it takes them to commit.
"""

from __future__ import annotations

from crm_adapters.eventlog.database import COLUMNS

LOCK = 4_702_111_234_474_983_745
"""Key of the advisory lock for making tables: any constant that all writers share."""

READS_LOCK = 4_702_111
"""Key of the advisory lock for writing reads, beside that of the tenant."""

ROWS_MAX = 2**20 - 1
"""How many events one transaction can hold."""

CONFLICT, MOVED, ALTERED = "CR001", "CR002", "CR003"
"""States our functions raise: a stream is not where it was expected; the cluster is another; not as
many rows were written as were sent."""

_SECURED = (
    "crm_events",
    "crm_commands",
    "crm_tiles",
    "crm_reads",
    "crm_tracking",
    "crm_views",
    "crm_checkpoints",
    "crm_parked",
)

_SECURE = """
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
CREATE POLICY crm_tenant ON {table} USING (tenant = current_setting('crm.tenant', true))
"""

_ORIGIN = "CREATE TABLE crm_origin (origin bigint)"

START = {
    False: (
        "INSERT INTO crm_origin SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint - 1"
    ),
    True: "INSERT INTO crm_origin VALUES (NULL)",
}
"""Whether positions are to be contiguous, said once for a database."""

ONCE = (_ORIGIN, *(_SECURE.format(table=table) for table in _SECURED))
"""Where positions begin, and one tenant per session, also for the owner of the tables."""

_FIRST_POSITION = f"""
CREATE OR REPLACE FUNCTION crm_first_position(tenant text, before int) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    base bigint;
BEGIN
    SELECT origin INTO base FROM crm_origin;
    IF base IS NOT NULL THEN
        RETURN ((pg_current_xact_id()::text::bigint - base) << 20) + before;
    END IF;
    PERFORM pg_advisory_xact_lock({LOCK});
    RETURN (SELECT coalesce(max(e.position), 0) + 1 FROM crm_events e
        WHERE e.tenant = crm_first_position.tenant);
END $$
"""

_ANCHORED = """
CREATE OR REPLACE FUNCTION crm_anchored(tenant text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce(
        (SELECT max(e.position) FROM crm_events e WHERE e.tenant = crm_anchored.tenant)
        < (SELECT (pg_snapshot_xmax(pg_current_snapshot())::text::bigint - origin) << 20
           FROM crm_origin), true)
$$
"""

_MISMATCH = """
CREATE OR REPLACE FUNCTION crm_mismatch(tenant text, touched text[], expected int[], upto bigint)
RETURNS json LANGUAGE sql STABLE AS $$
    SELECT json_build_array(s, coalesce(x, -1), coalesce(tip.version, 0))
    FROM unnest(touched, expected) AS t(s, x)
    LEFT JOIN LATERAL (
        SELECT e.version, e.position FROM crm_events e
        WHERE e.tenant = crm_mismatch.tenant AND e.stream = s
        ORDER BY e.version DESC LIMIT 1
    ) tip ON true
    WHERE (coalesce(tip.version, 0) IS DISTINCT FROM x AND NOT (tip.version IS NULL AND x IS NULL))
        OR tip.position >= upto
    LIMIT 1
$$
"""

INSERTED = "pg_stat_get_xact_tuples_inserted('{table}'::regclass)"
"""Rows this transaction has inserted, by whatever way; 0 where the server does not count them."""

_EARLIER = f"""
    earlier_events bigint := {INSERTED.format(table="crm_events")};
    earlier_commands bigint := {INSERTED.format(table="crm_commands")};
    written int;"""


def _check_written(which: str, sent: str) -> str:
    """That the last statement has written so many rows, and nothing has written others."""
    # A trigger can leave a row out, and a trigger or a rule can write others.
    return f"""\
GET DIAGNOSTICS written = ROW_COUNT;
    IF written <> {sent} OR {INSERTED.format(table=f"crm_{which}")} - earlier_{which} > {sent} THEN
        RAISE EXCEPTION '%', json_build_array(greatest(written,
            {INSERTED.format(table=f"crm_{which}")} - earlier_{which}), {sent})
            USING ERRCODE = '{ALTERED}';
    END IF;"""


_APPEND = f"""
CREATE OR REPLACE FUNCTION crm_append(
    tenant text, before int,
    streams text[], versions int[], names text[], households text[], states text[],
    touched text[], expected int[],
    command_ids text[], digests text[], starts int[], ends int[],
    consumer text, tracked bigint
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    first bigint;
    wrong json;
    reached bigint;{_EARLIER}
BEGIN
    -- What the transaction itself has written lies ahead of all that has ended.
    IF before = 0 AND NOT crm_anchored(tenant) THEN
        RAISE EXCEPTION 'restored' USING ERRCODE = '{MOVED}';
    END IF;
    IF consumer IS NOT NULL THEN
        PERFORM pg_advisory_xact_lock(hashtextextended(consumer, {LOCK}));
        SELECT max(position) INTO reached FROM crm_tracking t
            WHERE t.tenant = crm_append.tenant AND t.consumer = crm_append.consumer;
        IF reached >= tracked THEN
            RAISE EXCEPTION '%',
                json_build_array(consumer, tracked - 1, reached, 'tracking_conflict')
                USING ERRCODE = '{CONFLICT}';
        END IF;
        INSERT INTO crm_tracking VALUES (crm_append.tenant, crm_append.consumer, tracked);
    END IF;
    first := crm_first_position(tenant, before);
    wrong := crm_mismatch(tenant, touched, expected, first + {ROWS_MAX});
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION '%', wrong USING ERRCODE = '{CONFLICT}';
    END IF;
    INSERT INTO crm_events (tenant, {COLUMNS})
        SELECT crm_append.tenant, first + n - 1, s, v, e, h, t
        FROM unnest(streams, versions, names, households, states)
            WITH ORDINALITY AS u(s, v, e, h, t, n);
    {_check_written("events", "cardinality(states)")}
    INSERT INTO crm_commands
        SELECT crm_append.tenant, c, d, first + a, first + b
        FROM unnest(command_ids, digests, starts, ends) AS u(c, d, a, b);
    {_check_written("commands", "cardinality(command_ids)")}
    RETURN first;
END $$
"""

_APPEND_STREAM = f"""
CREATE OR REPLACE FUNCTION crm_append_stream(
    tenant text, stream text, expected int, household text, names text[], states text[],
    command text, digest text
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    base bigint;
    first bigint;
    tip int;
    place bigint;{_EARLIER}
BEGIN
    SELECT origin INTO base FROM crm_origin;
    IF base IS NULL THEN
        first := crm_first_position(tenant, 0);
    ELSE
        SELECT max(e.position) INTO place FROM crm_events e WHERE e.tenant = $1;
        IF place >= (pg_snapshot_xmax(pg_current_snapshot())::text::bigint - base) << 20 THEN
            RAISE EXCEPTION 'restored' USING ERRCODE = '{MOVED}';
        END IF;
        first := (pg_current_xact_id()::text::bigint - base) << 20;
    END IF;
    SELECT e.version, e.position INTO tip, place FROM crm_events e
        WHERE e.tenant = $1 AND e.stream = $2 ORDER BY e.version DESC LIMIT 1;
    IF coalesce(tip, 0) <> expected OR place >= first + {ROWS_MAX} THEN
        RAISE EXCEPTION '%', json_build_array(stream, expected, coalesce(tip, 0))
            USING ERRCODE = '{CONFLICT}';
    END IF;
    INSERT INTO crm_events (tenant, {COLUMNS})
        SELECT $1, first + n - 1, $2, expected + n, e, $4, t
        FROM unnest(names, states) WITH ORDINALITY AS u(e, t, n);
    {_check_written("events", "cardinality(names)")}
    INSERT INTO crm_commands VALUES ($1, $7, $8, first, first + cardinality(names) - 1);
    {_check_written("commands", "1")}
    RETURN first;
END $$
"""
"""What `crm_append` does, for the events of one command in one stream: that is most appends."""

_REANCHOR = """
CREATE OR REPLACE FUNCTION crm_reanchor(tenant text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    -- Whoever has read the origin holds the table till the end of the transaction. A place given by
    -- the old origin and still being written to would stand before the new edge of readers.
    LOCK TABLE crm_origin IN ACCESS EXCLUSIVE MODE;
    UPDATE crm_origin SET
        origin = pg_snapshot_xmin(pg_current_snapshot())::text::bigint - 1 - (last >> 20)
    FROM (SELECT max(e.position) AS last FROM crm_events e WHERE e.tenant = $1) AS held
    WHERE last >= (pg_snapshot_xmax(pg_current_snapshot())::text::bigint - origin) << 20;
END $$
"""
"""Moves the origin so that whatever is written from now on stands behind what is there."""

ROUTINES = (
    _FIRST_POSITION,
    _ANCHORED,
    _MISMATCH,
    _APPEND,
    _APPEND_STREAM,
    _REANCHOR,
)
"""Made anew whenever the tables are made or migrated."""

SETTLED = """
WITH edges AS (
    SELECT (pg_snapshot_xmin(s)::text::bigint - origin) << 20 AS edge,
        (pg_snapshot_xmax(s)::text::bigint - origin) << 20 AS beyond
    FROM crm_origin, pg_current_snapshot() s
)
SELECT edge, beyond,
    (SELECT max(position) FROM crm_events WHERE tenant = %s AND position < edge),
    (SELECT max(position) FROM crm_events WHERE tenant = %s)
FROM edges
"""
"""Where the final part ends, where positions end (both NULL if contiguous), the last before."""

BEHIND = """
SELECT count(*), (
    SELECT extract(epoch FROM clock_timestamp() - min(xact_start)) FROM pg_stat_activity
    WHERE backend_xid IS NOT NULL
) FROM crm_events WHERE tenant = %s AND position >= %s
"""
"""Committed events that are held back, and for how long the oldest open transaction is open."""
