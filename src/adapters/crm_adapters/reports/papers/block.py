"""What a file of a paper says of itself to machines: which paper it is, and where it came from.

{"format": "crm-core.document/1", "paper": "credit-table", "about": "", "on": "2024-12-31",
 "position": 132553, "root": "b950…", "digest": "e583…", "lang": "zh", …}
"""

from __future__ import annotations

import json
from typing import Any

import cattrs
from attrs import asdict

from crm_core.application.papers.model import Asked, Document
from crm_core.errors import Invalid
from crm_core.kernel.dates import instant_text, parse_date, parse_instant
from crm_core.kernel.sentences import LANGS, Lang
from crm_core.kernel.values import frozen

FORMAT = "crm-core.document/1"


@frozen
class Block:
    """What a file says of itself.

    Args:
        digest: Of what the paper says, whoever asked.
        withheld: How many cells were not shown to who asked.
        made_by: The version of the library that made it; its form is that version's.
        template: Digest of a company's own template; empty for the library's own form.
    """

    format: str
    paper: str
    about: str
    on: str
    known: str | None
    since: str | None
    options: tuple[str, ...]
    position: int
    root: str
    digest: str
    withheld: int
    lang: str
    made_at: str
    by: str
    purpose: str
    mark: str
    made_by: str
    template: str = ""

    @property
    def asked(self) -> Asked:
        """Which paper it is.

        Raises:
            Invalid: it says so in no form that is known.
        """
        try:
            return Asked(
                paper=self.paper,
                about=self.about,
                on=parse_date(self.on),
                known=None if self.known is None else parse_instant(self.known),
                since=None if self.since is None else parse_date(self.since),
                options=self.options,
            )
        except ValueError as error:
            raise unreadable() from error

    @property
    def language(self) -> Lang:
        """In which language it speaks.

        Raises:
            Invalid: in none that is known.
        """
        for lang in LANGS:
            if lang == self.lang:
                return lang
        raise unreadable()

    def text(self) -> str:
        """As it stands in a file."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True)


def block_of(document: Document, lang: Lang, version: str, template: str = "") -> Block:
    """What a file of the document says of itself."""
    asked = document.asked
    return Block(
        format=FORMAT,
        paper=asked.paper,
        about=asked.about,
        on=asked.on.isoformat(),
        known=None if asked.known is None else instant_text(asked.known),
        since=None if asked.since is None else asked.since.isoformat(),
        options=asked.options,
        position=document.position,
        root=document.root,
        digest=document.digest,
        withheld=document.withheld,
        lang=lang,
        made_at=instant_text(document.made_at),
        by=document.by,
        purpose=document.purpose,
        mark=document.mark,
        made_by=version,
        template=template,
    )


def parse_block(text: str) -> Block:
    """The block that stands in a file.

    Raises:
        Invalid: it is none.
    """
    try:
        data: Any = json.loads(text)
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise unreadable()
        return _converter.structure(data, Block)
    except (ValueError, cattrs.BaseValidationError, RecursionError) as error:
        raise unreadable() from error


def unreadable() -> Invalid:
    """A file that is no paper of ours."""
    return Invalid.one("paper_unreadable")


_converter = cattrs.Converter(forbid_extra_keys=True)


def _strict(kind: type) -> Any:
    def structured(value: Any, _: Any) -> Any:
        if type(value) is not kind:
            raise ValueError("of another kind")
        return value

    return structured


def _texts(value: Any, _: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or any(type(one) is not str for one in value):
        raise ValueError("no list of texts")
    return tuple(value)


_converter.register_structure_hook_func(lambda hint: hint == tuple[str, ...], _texts)
for _kind in (str, int):
    _converter.register_structure_hook(_kind, _strict(_kind))
