"""A contender's process: reads one task a line, does it, answers one line.

`python benchmarks/serve.py crm`: the name is that of a module in `contenders`.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
from typing import Any


def main(name: str) -> None:
    # Libraries may print; the answers have a channel of their own.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    contender: Any = None
    for line in sys.stdin:
        task = json.loads(line)
        try:
            if contender is None:
                contender = importlib.import_module(f"contenders.{name}").Contender()
            # Every sample begins with the same clean heap; the collector stays on, as in use.
            gc.collect()
            result = getattr(contender, task.pop("do"))(**task)
            answer = {"result": result}
        except Exception as error:  # noqa: BLE001 - it is told to the one who asked
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
    os._exit(0)  # whatever threads a library still has: there is nothing left to answer


if __name__ == "__main__":
    main(sys.argv[1])
