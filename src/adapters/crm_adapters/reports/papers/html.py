"""A paper as one HTML page that needs nothing else, and prints on A4."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from crm_adapters.reports.papers.block import Block, unreadable
from crm_adapters.reports.papers.page import FAMILY, Page
from crm_core.kernel.sentences import say

_BLOCK = re.compile(r'<script type="application/json" id="crm-document">(?P<text>[^<]*)</script>')


def html(page: Page, block: Block) -> bytes:
    """The page."""
    text = _template().render(
        page=page,
        lang="zh-Hans" if page.lang == "zh" else "en",
        say=lambda code: say(FAMILY, code, page.lang),
        block=Markup(_safe(block.text())),  # noqa: S704 - nothing in it ends the element
    )
    return text.encode()


def block_text(content: bytes) -> str:
    """What a page says of itself.

    Raises:
        Invalid: it is no page of ours.
    """
    found = _BLOCK.findall(content.decode("utf-8", "replace"))
    if len(found) != 1:
        raise unreadable()
    return str(found[0])


def _safe(text: str) -> str:
    """JSON that stands in an element: no sign of it ends the element."""
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


@cache
def _template() -> Template:
    folder = files("crm_adapters.reports.papers")
    text = (folder / "paper.html.j2").read_text(encoding="utf-8")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(text)
