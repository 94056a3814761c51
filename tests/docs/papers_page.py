"""The page of papers, rendered from their declarations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from crm_adapters.reports.papers.page import head_of, title_of
from crm_core.application.papers import PAPERS, Paper
from crm_core.application.papers.gate import class_of, events
from crm_core.kernel.registry import Registry
from crm_core.kernel.sentences import say

HEAD = """# Papers of the method

What each paper prints, and the event fields that each value comes from; `@` stands before what \
the envelope says.
A field is shown to who may see what it comes from: its class is that of its sources \
([data map](data-map.md)).
[How to write and check one](../how-to/papers.md) is told elsewhere.
This page is rendered from the declarations in the code, and a test keeps it so.
"""

ABOUT: Mapping[str, str] = {
    "assessment": "It is about one assessment.",
    "plan": "It is about one maintenance plan.",
    "everybody": "It is about all households.",
    "household": "It is about one household.",
    "year": "It is about one year.",
}


def render(registry: Registry) -> str:
    """The page as text."""
    return "\n".join([HEAD, *(line for one in PAPERS.values() for line in _paper(one, registry))])


def _paper(paper: Paper, registry: Registry) -> Iterator[str]:
    known = events(registry)
    yield f"## `{paper.name}` {title_of(paper.name, 'zh')}"
    yield ""
    yield f"{title_of(paper.name, 'en')}. {ABOUT[paper.about]}"
    if paper.options:
        yield f"Options: {', '.join(f'`{one}`' for one in paper.options)}."
    yield ""
    for section in paper.sections:
        yield f"### {say('papers', f'section_{section.name}', 'en')} (`{section.name}`)"
        yield ""
        yield "| field | Chinese | English | class | from |"
        yield "|---|---|---|---|---|"
        for field in section.fields:
            heads = (head_of(field, "zh"), head_of(field, "en"))
            data = class_of(field, known).data.name
            sources = "<br>".join(f"`{one}`" for one in field.of)
            yield f"| `{field.name}` | {heads[0]} | {heads[1]} | {data} | {sources} |"
        yield ""
    if paper.stamps:
        yield "| stamp | from |"
        yield "|---|---|"
        for what, of in paper.stamps.items():
            yield f"| {what} | {'<br>'.join(f'`{one}`' for one in of)} |"
        yield ""
