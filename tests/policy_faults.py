"""What is wrong with a policy that was refused, said in words each time."""

from __future__ import annotations

from crm_core.kernel.policy import PolicyFault
from crm_core.kernel.sentences import sentences


def said(fault: PolicyFault) -> dict[str, str]:
    """Each path with what is wrong there; each sentence is of the catalogue, and filled in."""
    for _, what in fault.faults:
        assert what.sentence in sentences("faults"), what.sentence
        for lang in ("en", "zh"):
            assert "{" not in what.told(lang)
    return {path: str(what) for path, what in fault.faults}
