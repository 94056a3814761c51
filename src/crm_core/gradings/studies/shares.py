"""Shares of the layers: a drift report, and a quota that pins its whole cohort (GRD-04)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from crm_core.gradings.facts import Facts
from crm_core.gradings.policy import GRADES, INSUFFICIENT, layer_rank
from crm_core.kernel.canonical import digest_of
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

DEFAULT_SHARES = "shares-cn-default"

PERMILLE = 1000


@frozen
class Share:
    """What part of the households a layer is expected to hold."""

    layer: str
    permille: int


@frozen
class _Contents:
    """The file of a shares policy."""

    kind: str
    policy: Header
    tolerance_permille: int
    shares: tuple[Share, ...]


@define(frozen=True)
class SharesPolicy:
    """Expected shares as data.

    Args:
        header: Identity and approval.
        ref: Name, version and digest.
        tolerance_permille: How far a share may lie from the expected one before it has drifted.
        shares: Layers, best first; together 1000.
    """

    header: Header
    ref: PolicyRef
    tolerance_permille: int
    shares: tuple[Share, ...]

    @classmethod
    def parse(cls, text: str) -> SharesPolicy:
        """The policy in TOML text.

        Raises:
            PolicyFault: the text is not such a policy; all faults with their paths.
        """
        data = read_toml(text)
        contents = structure(data, _Contents)
        faults = []
        if contents.kind != "shares":
            faults.append(wrong("kind", "unknown_kind", kind=contents.kind, needed="shares"))
        if contents.tolerance_permille < 0:
            faults.append(wrong("tolerance_permille", "from_zero_expected"))
        if sum(share.permille for share in contents.shares) != PERMILLE:
            faults.append(wrong("shares", "shares_of_other_sum", sum=PERMILLE))
        if any(share.permille < 0 for share in contents.shares):
            faults.append(wrong("shares", "share_below_zero"))
        if len({share.layer for share in contents.shares}) != len(contents.shares):
            faults.append(wrong("shares", "layer_twice"))
        if faults:
            raise PolicyFault(faults)
        ref = PolicyRef(digest_of_table(data), contents.policy.name, contents.policy.version)
        return cls(contents.policy, ref, contents.tolerance_permille, contents.shares)


# --- drift -----------------------------------------------------------------------------------


@frozen
class Drift:
    """A layer's share beside the expected one, in thousandths of the households with enough data.

    Args:
        before_permille: Its share in the year before, if that was graded.
        drifted: Whether it lies further from the expected share than tolerated.
    """

    layer: str
    households: int
    permille: int
    expected_permille: int
    before_permille: int | None
    drifted: bool


def drift(
    layers: Iterable[str], before: Iterable[str] | None, policy: SharesPolicy
) -> tuple[Drift, ...]:
    """The drift report of a year.

    Args:
        layers: Layers of all households; *insufficient* is no layer and does not count.
        before: Those of the year before, if it was graded.
    """
    counts, total = _counted(layers)
    counts_before, total_before = _counted(before or ())
    found = []
    for share in policy.shares:
        permille = _permille(counts[share.layer], total)
        earlier = None if before is None else _permille(counts_before[share.layer], total_before)
        away = abs(permille - share.permille)
        found.append(
            Drift(
                layer=share.layer,
                households=counts[share.layer],
                permille=permille,
                expected_permille=share.permille,
                before_permille=earlier,
                drifted=total > 0 and away > policy.tolerance_permille,
            )
        )
    return tuple(found)


def _counted(layers: Iterable[str]) -> tuple[Counter[str], int]:
    counts = Counter(layer for layer in layers if layer != INSUFFICIENT)
    return counts, counts.total()


def _permille(count: int, total: int) -> int:
    """Rounded half up, in whole numbers."""
    return (2 * count * PERMILLE + total) // (2 * total) if total else 0


# --- quota -----------------------------------------------------------------------------------


@frozen
class Candidate:
    """A household of a cohort with what its place depends on."""

    household: str
    layer: str
    facts: Facts


@frozen
class Allotted:
    """Where a quota puts a household, and its rank from 1; equals share the better one."""

    household: str
    computed_layer: str
    layer: str
    rank: int


def cohort_digest(cohort: Sequence[Candidate]) -> str:
    """Digest of everything a quota looks at: with another household, or fact, it is another."""
    return digest_of([[one.household, *_merit(one)] for one in cohort])


def places_digest(places: Sequence[Allotted]) -> str:
    """Digest of the places that followed."""
    return digest_of([[place.household, place.layer, place.rank] for place in places])


def allot(cohort: Sequence[Candidate], policy: SharesPolicy) -> tuple[Allotted, ...]:
    """The cohort by its merits into layers of the expected sizes, sorted by household.

    The better computed layer comes first, then the better credit on the last day and over the
    year, then the greater purchases. Equals are never parted: where a boundary falls among
    them, all of them get the better layer. So nobody's place depends on a name or an order.
    """
    ranked = sorted((c for c in cohort if c.layer != INSUFFICIENT), key=_merit)
    total = len(ranked)
    ends: list[tuple[str, int]] = []
    reached = 0
    for share in policy.shares:
        reached += share.permille
        ends.append((share.layer, total * reached // PERMILLE))
    places, first, level = [], 0, 0
    for at, one in enumerate(ranked):
        if at and _merit(one) != _merit(ranked[at - 1]):
            first = at
        while first >= ends[level][1]:
            level += 1
        places.append(Allotted(one.household, one.layer, ends[level][0], first + 1))
    return tuple(sorted(places, key=lambda place: place.household))


def _merit(one: Candidate) -> list[Any]:
    facts = one.facts
    return [
        layer_rank(one.layer),
        GRADES.rank(facts.credit),
        GRADES.rank(facts.worst_credit),
        -facts.purchases_fen,
    ]
