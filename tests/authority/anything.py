"""Some command of any class: what it says makes sense as values, not as business."""

from __future__ import annotations

from datetime import UTC, date, datetime
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import attrs

from crm_core.kernel.commands import fields_said
from crm_core.kernel.sealed import Personal, Text

_PLAIN: dict[Any, Any] = {
    bool: True,
    date: date(2024, 3, 4),
    datetime: datetime(2024, 3, 4, 1, tzinfo=UTC),
    int: 1,
    str: "X1",
    Text: "X1",
    Personal: Personal("X1", "somebody"),
}


def some(kind: type) -> Any:
    """A value of that class, with every field that can be said filled."""
    hints = get_type_hints(kind)
    names = fields_said(kind) if attrs.has(kind) else ()
    return kind(**{name: _value(hints[name]) for name in names})


def _value(hint: Any) -> Any:
    if hint in _PLAIN:
        return _PLAIN[hint]
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        return next((None for part in get_args(hint) if part is type(None)), None)
    if origin is tuple:
        return ()
    return some(hint)
