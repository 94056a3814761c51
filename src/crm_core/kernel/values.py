"""Classes of values: attrs, without the work that most of them never need.

`frozen` and `define` are those of attrs. attrs writes the source of how two values compare, are
hashed and are shown, and has it compiled, for every class when it is imported; with a thousand
classes that was a third of the start of `crm`. Here these three are closures over the names of the
fields and mean the same. Whoever asks attrs for more (an order, a hash of what can change, no
comparison) gets what attrs makes.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

__all__ = ["define", "frozen"]

if TYPE_CHECKING:
    from attrs import define, frozen
else:
    import attrs

    _ATTRS_MAKES_THEM = {"eq", "order", "repr", "hash", "unsafe_hash"}
    _OWN = {"__eq__", "__hash__", "__repr__"}

    def frozen(maybe_class=None, **asked):
        """`attrs.frozen`: a value that never changes, compared, hashed and shown by its fields."""
        return _made(attrs.frozen, maybe_class, hashed=True, asked=asked)

    def define(maybe_class=None, **asked):
        """`attrs.define`: compared and shown by its fields; hashed only where it is frozen."""
        hashed = asked.get("frozen", False)
        return _made(attrs.define, maybe_class, hashed=hashed, asked=asked)

    def _made(decorator, maybe_class, *, hashed, asked):
        def made(plain):
            if _ATTRS_MAKES_THEM & asked.keys() or _OWN & plain.__dict__.keys():
                return decorator(plain, **asked)
            return _complete(decorator(plain, eq=False, repr=False, **asked), hashed=hashed)

        return made if maybe_class is None else made(maybe_class)

    def _complete(made, *, hashed):
        fields = made.__attrs_attrs__
        compared = [one.name for one in fields if one.eq]
        shown = [one.name for one in fields if one.repr]
        values = attrgetter(*compared) if compared else lambda _: ()

        def equal(self, other):
            if other.__class__ is not self.__class__:
                return NotImplemented
            return values(self) == values(other)

        def hashed_value(self):
            return hash((made, values(self)))

        def told(self):
            named = ", ".join(f"{name}={getattr(self, name)!r}" for name in shown)
            return f"{self.__class__.__qualname__.rsplit('>.', 1)[-1]}({named})"

        for name, method in (("__eq__", equal), ("__hash__", hashed_value), ("__repr__", told)):
            method.__name__ = name
            method.__qualname__ = f"{made.__qualname__}.{name}"
            setattr(made, name, method)
        if not hashed:
            made.__hash__ = None
        return made
