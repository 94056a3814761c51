"""Plants small faults in a package, some or all, and counts those that the tests find.

`python tests/packaging/mutants.py FOLDER PACKAGE SAMPLE SEED TEST...`, where `FOLDER` holds a copy
of the project that may be spoiled. `SAMPLE` is how many faults are planted, 0 for all; which ones
follows from the seed. Ends with 1 if fewer than nine of ten are found.
"""

from __future__ import annotations

import json
import os
import random  # noqa: TID251 - a sample that can be had again
import subprocess
import sys
from collections import Counter
from pathlib import Path

from mutmut.mutation.file_mutation import mutate_file_contents
from mutmut.stats import status_by_exit_code
from mutmut.utils.format_utils import get_mutant_name

WANTED = 0.90

COPIED = ["tests", "docs", "examples", "changelog.d", "pyproject.toml", "noxfile.py", "README.md"]


def settings(package: str, tests: list[str]) -> str:
    """The words that mutmut reads."""
    told = {
        "source_paths": ["src/"],
        "only_mutate": [f"src/crm_core/{package}/*.py"],
        "also_copy": COPIED,
        "pytest_add_cli_args": ["-p", "no:cacheprovider", "--hypothesis-profile", "quick"],
        "pytest_add_cli_args_test_selection": tests,
    }
    lines = [f"{key}=\n    " + "\n    ".join(values) for key, values in told.items()]
    return "\n".join(["[mutmut]", *lines]) + "\n"


def names(package: str) -> list[str]:
    """Every fault that can be planted in the package."""
    return [
        get_mutant_name(path, name)
        for path in sorted(Path("src/crm_core", package).rglob("*.py"))
        for name in mutate_file_contents(str(path), path.read_text()).mutant_names
    ]


def verdicts(package: str) -> dict[str, str]:
    """What became of each fault that was planted."""
    told: dict[str, int | None] = {}
    for path in sorted(Path("mutants/src/crm_core", package).rglob("*.meta")):
        told |= json.loads(path.read_text())["exit_code_by_key"]
    return {name: status_by_exit_code[code] for name, code in told.items() if code is not None}


def main(folder: str, package: str, sample: str, seed: str, *tests: str) -> int:
    os.chdir(folder)
    Path("setup.cfg").write_text(settings(package, list(tests)))
    every = names(package)
    chosen = random.Random(int(seed)).sample(every, int(sample)) if int(sample) else []
    subprocess.run(["mutmut", "run", "--max-children", "1", *chosen], check=True)
    told = verdicts(package)
    told = {name: told[name] for name in chosen or told}
    counted = Counter(told.values())
    for name in sorted(told):
        if told[name] not in {"killed", "timeout"}:
            print(told[name], name)
    found = counted["killed"] + counted["timeout"]
    print(f"{package}: {found} of {len(told)} found, of {len(every)} in all, seed {seed};", *(
        f"{status} {number}" for status, number in sorted(counted.items())
    ))  # fmt: skip
    return 0 if found >= WANTED * len(told) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
