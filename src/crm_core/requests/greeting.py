"""The greeting of the phone as policy data, shown to who answers (REQ-02)."""

from __future__ import annotations

from crm_core.kernel.policy import (
    Header,
    PolicyFault,
    PolicyRef,
    digest_of_table,
    read_toml,
    structure,
    wrong,
)
from crm_core.kernel.values import define, frozen

DEFAULT_GREETING = "greeting-cn-default"

LANGUAGES = ("zh", "en")


@frozen
class _Contents:
    """The file of a greeting."""

    kind: str
    policy: Header
    words: dict[str, str]


@define(frozen=True)
class GreetingPolicy:
    """What whoever answers the phone says first.

    Args:
        header: Identity and approval.
        ref: Name, version and digest.
        words: The greeting by its language, in each of `LANGUAGES`.
    """

    header: Header
    ref: PolicyRef
    words: dict[str, str]

    @classmethod
    def parse(cls, text: str) -> GreetingPolicy:
        """The policy in TOML text.

        Raises:
            PolicyFault: the text is not such a policy; all faults with their paths.
        """
        data = read_toml(text)
        contents = structure(data, _Contents)
        faults = [
            wrong(f"words.{lang}", "missing")
            for lang in LANGUAGES
            if not contents.words.get(lang, "").strip()
        ]
        faults += [
            wrong("words", "unknown_key", key=lang)
            for lang in sorted(contents.words)
            if lang not in LANGUAGES
        ]
        if contents.kind != "greeting":
            faults.append(wrong("kind", "unknown_kind", kind=contents.kind, needed="greeting"))
        if faults:
            raise PolicyFault(faults)
        header = contents.policy
        return cls(
            header=header,
            ref=PolicyRef(digest_of_table(data), header.name, header.version),
            words=contents.words,
        )
