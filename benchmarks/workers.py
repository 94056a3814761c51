"""Contenders in processes of their own: started, asked, ended.

A process for each keeps one contender's heap and imports out of another's figures, and lets those
that cannot share our dependencies have their own. They are asked in turn; the others sleep.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

BENCHMARKS = Path(__file__).resolve().parent
ROOT = BENCHMARKS.parent

RIVALS = (
    "eventsourcing_sqlalchemy==1.0.1",
    "eventsource-py[sqlite]>=0.8,<1",
    "psycopg[binary]>=3.2",
)
"""Rivals that cannot be installed beside us: the first allows no SQLAlchemy of today."""


class Unavailable(Exception):
    """A rival cannot be measured here, and the row must say so."""


class Worker:
    """A contender's process."""

    def __init__(self, python: str, name: str, folder: Path) -> None:
        self.name = name
        self._process = subprocess.Popen(
            [python, str(BENCHMARKS / "serve.py"), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            cwd=folder,
            env=environment(),
        )

    def ask(self, do: str, **task: Any) -> Any:
        """Have a task done and wait for its result."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps({"do": do, **task}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise Unavailable(f"{self.name}: its process has ended")
        answer = json.loads(line)
        if "error" in answer:
            raise Unavailable(f"{self.name}: {answer['error']}")
        return answer["result"]

    def end(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            # It may have ended by itself, and what it was asked last is still in the pipe.
            self._process.stdin.close()
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Workers:
    """All contenders, each started when it is first asked for."""

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self._folder = folder
        self._say = say
        self._running: dict[str, Worker] = {}
        self._rivals: str | None = None

    def ours(self) -> Worker:
        """crm-core."""
        return self._worker("crm", sys.executable)

    def auditor(self, of: str = "gradings") -> Worker:
        """crm-core in a process that reads what others have written, and nothing else."""
        return self._worker("crm", sys.executable, f"crm-core, {of}")

    def raw(self) -> Worker:
        """sqlite3 alone."""
        return self._worker("sqlite", sys.executable)

    def library(self) -> Worker:
        """eventsourcing with its own recorders."""
        return self._worker("library", sys.executable)

    def library_gradings(self) -> Worker:
        """eventsourcing with an aggregate for each household, and gradings."""
        return self._worker("library_gradings", sys.executable)

    def columns(self) -> Worker:
        """Polars by hand, over the files that the frames engine keeps."""
        return self._worker("columns", sys.executable)

    def sqlalchemy(self) -> Worker:
        """eventsourcing with the recorders of eventsourcing_sqlalchemy."""
        return self._worker("library", self._rivals_python(), "eventsourcing_sqlalchemy")

    def eventsource(self) -> Worker:
        """eventsource-py."""
        return self._worker("eventsource_py", self._rivals_python())

    def calendar(self, peer: str) -> Worker:
        """Working time as `peer` counts it."""
        return self._worker("calendars", sys.executable, f"working time: {peer}")

    def running(self) -> list[Worker]:
        """Those that have been started."""
        return list(self._running.values())

    def versions(self) -> dict[str, dict[str, str]]:
        """What each contender that took part was made of; without those that have ended."""
        found = {}
        for key, worker in self._running.items():
            with suppress(Unavailable):
                found[key] = worker.ask("versions")
        return found

    def end(self) -> None:
        """End all processes."""
        for worker in self._running.values():
            worker.end()
        self._running.clear()

    def _worker(self, module: str, python: str, key: str = "") -> Worker:
        key = key or module
        if key not in self._running:
            self._running[key] = Worker(python, module, self._folder)
        return self._running[key]

    def _rivals_python(self) -> str:
        if self._rivals is None:
            self._rivals = _rivals_venv(self._say)
        return self._rivals


def environment() -> dict[str, str]:
    """The environment of a child: as ours, and with this checkout where nothing is installed."""
    env = dict(os.environ)  # noqa: TID251 - children inherit what we were given
    # They work in another folder, where a relative path would lead elsewhere.
    paths = [os.path.abspath(path) for path in env.get("PYTHONPATH", "").split(os.pathsep) if path]
    if find_spec("crm_core") is None or find_spec("crm_adapters") is None:
        paths = [str(ROOT / "src"), str(ROOT / "src" / "adapters"), *paths]
    env["PYTHONPATH"] = os.pathsep.join(paths)
    # Installed packages are compiled once, and not at every start.
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    env["PYTHONPYCACHEPREFIX"] = str(ROOT / "benchmarks" / "__pycache__" / "compiled")
    env["PYTHONHASHSEED"] = "0"
    env["PYTHONWARNINGS"] = "ignore"
    return env


def _rivals_venv(say: Callable[[str], None]) -> str:
    """The Python of an environment with the rivals, made once and kept beside nox's own."""
    folder = ROOT / ".nox" / f"bench-rivals-{sys.version_info[0]}.{sys.version_info[1]}"
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    made = folder / "made-from.txt"
    wanted = "\n".join(RIVALS)
    if made.is_file() and made.read_text(encoding="utf-8") == wanted:
        return str(python)
    say(f"installing rivals: {', '.join(RIVALS)}")
    library = f"eventsourcing[postgres]=={_library_version()}"
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    try:
        for command in ([sys.executable, "-m", "venv", str(folder)], [*pip, library, *RIVALS]):
            subprocess.run(command, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        why = (getattr(error, "stderr", "") or str(error)).strip().splitlines()
        raise Unavailable(f"rivals cannot be installed: {why[-1] if why else error}") from error
    made.write_text(wanted, encoding="utf-8")
    return str(python)


def _library_version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("eventsourcing")
    except PackageNotFoundError as error:
        raise Unavailable("eventsourcing is not installed") from error
