"""Pages as tests read them: as elements, and in a real browser."""

from __future__ import annotations

import base64
import json
import os
import re
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field

# --- reading a page -----------------------------------------------------------------------------

VOID = {"meta", "link", "br", "hr", "img", "input"}


@define
class Node:
    """An element, as a browser would see it."""

    tag: str
    attrs: dict[str, str | None]
    parent: Node | None = None
    content: list[Node | str] = field(factory=list)

    def all(self, *tags: str) -> Iterator[Node]:
        for part in self.content:
            if isinstance(part, Node):
                if not tags or part.tag in tags:
                    yield part
                yield from part.all(*tags)

    def one(self, id: str) -> Node:
        return next(node for node in self.all() if node.attrs.get("id") == id)

    def text(self, without: tuple[str, ...] = ("style", "title")) -> str:
        return "".join(
            part if isinstance(part, str) else part.text(without)
            for part in self.content
            if isinstance(part, str)
            or not {part.tag, *(part.attrs.get("class") or "").split()} & {*without}
        )

    def said(self, lang: str) -> str:
        """What is read where only that language is shown."""
        other = {"en": "zh", "zh": "en"}[lang]
        return self.text(("style", "title", "hidden", other))

    def classed(self, name: str) -> Iterator[Node]:
        return (node for node in self.all() if name in (node.attrs.get("class") or "").split())


@define
class Page:
    """A page and its elements."""

    source: str
    root: Node

    def rows(self, table: str) -> dict[str, list[str]]:
        """Texts of the cells of a table's rows, by the row's key."""
        return {
            str(row.attrs["data-key"]): [cell.text().strip() for cell in row.all("td")]
            for row in self.root.one(table).all("tr")
            if "data-key" in row.attrs
        }

    def cells(self, table: str) -> list[list[str]]:
        """Texts of the cells of a table, the heading of each row first, without labels."""
        return [
            [cell.text(("style", "title", "label")).strip() for cell in row.all("th", "td")]
            for row in next(self.root.one(table).all("tbody")).all("tr")
        ]

    def counts(self, table: str) -> dict[str, int]:
        """First number of each row."""
        return {key: number(cells[0]) for key, cells in self.rows(table).items()}


class Reader(HTMLParser):
    """Builds the tree and insists on every element being closed where it was opened."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = self.at = Node("", {})

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = self._add(tag, attrs)
        if tag not in VOID:
            self.at = node

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._add(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.at.tag == tag, f"</{tag}> closes <{self.at.tag}> at {self.getpos()}"
        assert self.at.parent is not None
        self.at = self.at.parent

    def handle_data(self, data: str) -> None:
        self.at.content.append(data)

    def _add(self, tag: str, attrs: list[tuple[str, str | None]]) -> Node:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"an attribute twice at {self.getpos()}"
        node = Node(tag, dict(attrs), self.at)
        self.at.content.append(node)
        return node


def read(source: str) -> Page:
    reader = Reader()
    reader.feed(source)
    reader.close()
    assert reader.at is reader.root, f"<{reader.at.tag}> is never closed"
    return Page(source, reader.root)


def number(text: str) -> int:
    """The first whole number in a text."""
    found = re.match(r"\s*([\d,]+)", text)
    assert found, text
    return int(found[1].replace(",", ""))


def fen(text: str) -> int:
    """An amount as the page writes it, in fen."""
    found = re.match(r"\s*(-?[\d,]+)\.(\d\d)", text)
    assert found, text
    return int(found[1].replace(",", "")) * 100 + int(found[2])


# --- in a browser -------------------------------------------------------------------------------

START = """
import fcntl, os, sys
reading, writing = (fcntl.fcntl(int(n), fcntl.F_DUPFD, 10) for n in sys.argv[1:3])
os.dup2(reading, 3)
os.dup2(writing, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""Chromium listens on descriptor 3 and answers on 4."""

PATIENCE_SECONDS = 90


class Browser:
    """A real Chromium, spoken to over a pipe (no port, no driver)."""

    def __init__(self, program: str, profile: Path) -> None:
        theirs, self._to = os.pipe()
        self._from, answers = os.pipe()
        arguments = [
            program,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--remote-debugging-pipe",
            f"--user-data-dir={profile}",
        ]
        self.process = subprocess.Popen(
            [sys.executable, "-c", START, str(theirs), str(answers), *arguments],
            pass_fds=(theirs, answers),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs)
        os.close(answers)
        self._rest = b""
        self._count = 0
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session: str = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.page(f"{domain}.enable")

    def page(self, method: str, **params: Any) -> dict[str, Any]:
        return self.call(method, self._session, **params)

    def call(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        self._count += 1
        message: dict[str, Any] = {"id": self._count, "method": method, "params": params}
        if session is not None:
            message["sessionId"] = session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._count:
                assert "error" not in answer, answer
                return answer["result"]  # type: ignore[no-any-return]
            self.events.append(answer)

    def open(self, path: Path, *, width: int, dark: bool = False, media: str = "") -> None:
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.page("Emulation.setEmulatedMedia", media=media, features=[scheme])
        self.page(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=900,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        self.events.clear()
        self.page("Page.navigate", url=path.as_uri())
        while "Page.loadEventFired" not in [event.get("method") for event in self.events]:
            self.events.append(self._read())

    def ask(self, expression: str) -> Any:
        answer = self.page("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def printed(self) -> bytes:
        """The page on paper, as a PDF of A4."""
        answer = self.page(
            "Page.printToPDF", preferCSSPageSize=False, paperWidth=8.27, paperHeight=11.69
        )
        return base64.b64decode(answer["data"])

    def complaints(self) -> list[dict[str, Any]]:
        """Whatever the console would show, and every exception."""
        shown = ("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown")
        return [event for event in self.events if event.get("method") in shown]

    def requests(self) -> list[str]:
        return [
            event["params"]["request"]["url"]
            for event in self.events
            if event.get("method") == "Network.requestWillBeSent"
        ]

    def close(self) -> None:
        try:
            self.call("Browser.close")
            self.process.wait(PATIENCE_SECONDS)
        finally:
            self.process.kill()
            self.process.wait()
            os.close(self._to)
            os.close(self._from)

    def _read(self) -> dict[str, Any]:
        until = time.monotonic() + PATIENCE_SECONDS
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._from], [], [], max(0, until - time.monotonic()))
            assert ready, "the browser does not answer"
            part = os.read(self._from, 1 << 16)
            assert part, "the browser is gone"
            self._rest += part
        message, self._rest = self._rest.split(b"\0", 1)
        return json.loads(message)  # type: ignore[no-any-return]


def a_browser(profile: Path) -> Browser:
    """A browser, where there is one."""
    program = shutil.which("chromium")
    if program is None:
        if os.getenv("CI"):
            pytest.fail("`chromium` is missing, and in CI it must not be")
        pytest.skip("`chromium` is not installed: apt-get install chromium")
    return Browser(program, profile)
