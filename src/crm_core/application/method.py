"""The rules of maintaining customer relations (客户关系维护办法) as a policy a company goes by.

Like any policy it is drafted, assessed, approved and made effective by recorded acts (GRD-11); what
it says is text in Chinese and English, with the departments that drafted, execute and supervise it.
"""

from __future__ import annotations

from crm_core.kernel.policy import (
    Header,
    PathFault,
    PolicyFault,
    PolicyRef,
    digest_of_table,
    read_toml,
    structure,
    wrong,
)
from crm_core.kernel.values import define, frozen

METHOD, DEFAULT_METHOD = "method", "method-cn-default"


@frozen
class Both:
    """A text in Chinese and English."""

    zh: str
    en: str


@frozen
class Article:
    """An article of the rules.

    Args:
        article: Its number.
        subject: What it is about.
        text: What it says.
    """

    article: int
    subject: Both
    text: Both


@frozen
class _Contents:
    kind: str
    policy: Header
    drafting: Both
    executing: Both
    supervising: Both
    deliberated: Both
    articles: tuple[Article, ...]


@define(frozen=True)
class MethodPolicy:
    """The rules.

    Args:
        header: Identity and approval.
        ref: Name, version and digest.
        drafting: The department that drafted them (编制部门).
        executing: The department that goes by them (执行部门).
        supervising: The department that sees to it (监督部门).
        deliberated: Who deliberated them before they were adopted.
        articles: In order, from 1.
    """

    header: Header
    ref: PolicyRef
    drafting: Both
    executing: Both
    supervising: Both
    deliberated: Both
    articles: tuple[Article, ...]

    @classmethod
    def parse(cls, text: str) -> MethodPolicy:
        """The policy in TOML text.

        Raises:
            PolicyFault: the text is not such a policy; all faults with their paths.
        """
        data = read_toml(text)
        contents = structure(data, _Contents)
        faults: list[PathFault] = []
        if contents.kind != METHOD:
            faults.append(wrong("kind", "unknown_kind", kind=contents.kind, needed=METHOD))
        numbers = [one.article for one in contents.articles]
        if not numbers or numbers != list(range(1, len(numbers) + 1)):
            faults.append(wrong("articles", "articles_out_of_order"))
        if faults:
            raise PolicyFault(faults)
        return cls(
            header=contents.policy,
            ref=PolicyRef(digest_of_table(data), contents.policy.name, contents.policy.version),
            drafting=contents.drafting,
            executing=contents.executing,
            supervising=contents.supervising,
            deliberated=contents.deliberated,
            articles=contents.articles,
        )
