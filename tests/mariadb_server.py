"""A MariaDB of our own: from the tools of the distribution, in a folder that goes with it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from pwd import getpwuid
from time import monotonic, sleep
from typing import Any

import pymysql

STARTS_SECONDS = 60

SETTINGS = (
    "--no-defaults",
    "--skip-networking",
    # Nobody pulls the plug here.
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-buffer-pool-size=64M",
    "--innodb-log-file-size=32M",
    "--performance-schema=OFF",
)


class MariaServer:
    """One server process; its databases are emptied after use and used again."""

    def __init__(self, folder: Path, *settings: str) -> None:
        self.folder, self.socket = folder, folder / "socket"
        self._log = (folder / "log").open("wb")
        self._made = 0
        data = folder / "data"
        if not data.exists():
            _run(
                *("mariadb-install-db", "--no-defaults", f"--datadir={data}", "--skip-test-db"),
                *("--auth-root-authentication-method=normal", f"--user={_user()}"),
            )
        self.process = subprocess.Popen(
            [
                *(_tool("mariadbd"), *SETTINGS, f"--user={_user()}", f"--datadir={data}"),
                *(f"--socket={self.socket}", f"--pid-file={folder / 'pid'}", *settings),
            ],
            stdout=self._log,
            stderr=self._log,
        )
        self._wait()

    def url(self, database: str, user: str = "root") -> str:
        return f"mariadb+pymysql://{user}@/{database}?unix_socket={self.socket}"

    def connect(self, database: str | None = None, **options: Any) -> Any:
        """A connection past the library, which commits by itself."""
        return pymysql.connect(
            **{
                "unix_socket": str(self.socket),
                "user": "root",
                "database": database,
                "autocommit": True,
                "charset": "utf8mb4",
                **options,
            }
        )

    def run(self, *statements: str, database: str | None = None) -> list[Any]:
        """The rows of the last of the statements."""
        connection = self.connect(database)
        try:
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
                return list(cursor.fetchall())
        finally:
            connection.close()

    def make(self) -> str:
        """A fresh database, by its name; what the server takes for text is set to mislead."""
        self._made += 1
        name = f"test_{self._made}"
        self.run(f"CREATE DATABASE {name} CHARACTER SET latin1 COLLATE latin1_swedish_ci")
        return name

    def drop(self, name: str) -> None:
        # Who still has the database open must not keep it.
        for number, *_ in self.run(
            f"SELECT id FROM information_schema.processlist WHERE db = '{name}'"
        ):
            with suppress(pymysql.Error):
                self.run(f"KILL {number}")
        self.run(f"DROP DATABASE {name}")

    def dump(self, name: str) -> bytes:
        """A database as the page on MariaDB says that it is carried away."""
        return _run(
            *("mariadb-dump", "--no-defaults", f"--socket={self.socket}", "--user=root"),
            *("--single-transaction", "--triggers", name),
        )

    def load(self, name: str, dumped: bytes) -> None:
        _run(
            *("mariadb", "--no-defaults", f"--socket={self.socket}", "--user=root", name),
            said=dumped,
        )

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._log.close()

    def kill(self) -> None:
        """As if the machine had failed."""
        self.process.kill()
        self.process.wait()
        self._log.close()

    def _wait(self) -> None:
        until = monotonic() + STARTS_SECONDS
        while True:
            try:
                # Not before there is something to connect to: the driver leaves a socket behind.
                if self.socket.exists():
                    self.connect().close()
                    return
                raise pymysql.OperationalError
            except pymysql.Error:
                if self.process.poll() is not None or monotonic() > until:
                    self.kill()
                    raise RuntimeError(
                        (self.folder / "log").read_text("utf-8", "replace")
                    ) from None
                sleep(0.05)


@contextmanager
def server(*settings: str) -> Iterator[MariaServer]:
    """A server in a folder in memory where there is one."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > 2 * 2**30
    folder = Path(tempfile.mkdtemp(prefix="crm-mariadb-", dir=memory if roomy else None))
    try:
        started = MariaServer(folder, *settings)
        try:
            yield started
        finally:
            if started.process.poll() is None:
                started.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _user() -> str:
    """Who runs this, whatever the environment says."""
    return getpwuid(os.getuid()).pw_name


def _tool(name: str) -> str:
    found = shutil.which(name) or shutil.which(f"/usr/sbin/{name}")
    # A missing tool is a failure, not a test left out: CI installs it.
    assert found, f"`{name}` is not installed: apt-get install mariadb-server"
    return found


def _run(tool: str, *options: str, said: bytes = b"") -> bytes:
    done = subprocess.run([_tool(tool), *options], check=False, capture_output=True, input=said)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout
