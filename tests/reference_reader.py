"""A reader of the vectors, written from `docs/reference/vectors.md` alone.

It uses nothing of the library, and neither the sorting nor the escapes of `json`: what it computes
it computes as somebody with another language would.
"""

from __future__ import annotations

import hashlib
from typing import Any

SHORT = {0x08: "\\b", 0x0C: "\\f", 0x0A: "\\n", 0x0D: "\\r", 0x09: "\\t"}
LIMIT = 9007199254740992


class Refused(Exception):
    """There are no canonical bytes of it."""


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def text_of(text: str) -> str:
    out = '"'
    for character in text:
        number = ord(character)
        if character in '"\\':
            out += "\\" + character
        elif number in SHORT:
            out += SHORT[number]
        elif number < 0x20:
            out += f"\\u00{number:02x}"
        else:
            out += character
    return out + '"'


def canonical(value: Any) -> str:
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    if type(value) is int:
        if not -LIMIT <= value <= LIMIT:
            raise Refused
        return str(value)
    if type(value) is str:
        return text_of(value)
    if type(value) is list:
        return "[" + ",".join(canonical(one) for one in value) + "]"
    if type(value) is dict:
        names = sorted(value, key=lambda name: [ord(character) for character in name])
        return "{" + ",".join(f"{text_of(name)}:{canonical(value[name])}" for name in names) + "}"
    raise Refused


def first_link(tenant: str, stream: str) -> str:
    return sha(f"crm-core\n{tenant}\n{stream}\n".encode())


def stored(before: str, stream: str, household: str, event: Any) -> tuple[str, str]:
    """Digest and stored text of an event with `version`, `name` and `event`."""
    behind = f'"event":{canonical(event["event"])},"household":"{household}"}}'
    head = f"{before}\n{stream}\n{event['version']}\n{event['name']}\n"
    digest = sha((head + behind).encode())
    return digest, f'{{"digest":"{digest}",{behind}'


def root(leaves: list[bytes]) -> bytes:
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + root(leaves[:k]) + root(leaves[k:])).digest()


def holds(condition: dict[str, Any], facts: dict[str, Any], grades: list[str]) -> bool:
    value, threshold = facts[condition["fact"]], condition["threshold"]
    match condition["op"]:
        case "at_least":
            return bool(value >= threshold)
        case "at_most":
            return bool(value <= threshold)
        case "above":
            return bool(value > threshold)
        case "is":
            return bool(value == threshold)
        case "one_of":
            return value in threshold
        case "at_least_percent_of":
            return bool(100 * value >= threshold * facts[condition["of"]])
        case "no_worse_than":
            return grades.index(value) <= grades.index(threshold)
        case "no_better_than":
            return grades.index(value) >= grades.index(threshold)
    raise Refused


def decide(
    contents: dict[str, Any], facts: dict[str, Any], grades: list[str]
) -> tuple[dict[str, str], str]:
    """The outcomes by table, and the status."""
    outcomes: dict[str, str] = {}
    for table in ("attention_level", "prospect", "type", "layer"):
        for row in contents[table]:
            known = {**facts, **outcomes}
            if all(holds(one, known, grades) for one in row.get("when", [])):
                outcomes[table] = row["outcome"]
                break
    awaits = outcomes["layer"] in contents["needs_confirmation"]
    return outcomes, "awaiting_confirmation" if awaits else "computed"
