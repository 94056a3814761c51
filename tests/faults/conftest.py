"""What the harnesses of faults share: a seed, their size, and a cluster to be killed."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from faults.cluster import Cluster


@pytest.fixture
def long(request: pytest.FixtureRequest) -> bool:
    """Whether the figures of the long run are asked for, and not those of every run."""
    return bool(request.config.getoption("--long"))


@pytest.fixture
def seeded(request: pytest.FixtureRequest) -> Random:
    """Randomness that can be had again: the seed is shown with the test when it fails."""
    seed = int(request.config.getoption("--seed"))
    print(f"seed {seed}: repeat with `--seed {seed}`")
    return Random(seed)


@pytest.fixture(scope="session")
def cluster(postgres_server: Any) -> Iterator[Cluster]:
    """A cluster beside the one all other tests use; running when a test begins."""
    made = Cluster(postgres_server)
    try:
        made.start()
        yield made
    finally:
        made.close()
