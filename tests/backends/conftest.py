"""Seeds and kernels of PyTorch, for its tests in this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def seed(request: pytest.FixtureRequest) -> None:
    if request.path.name.startswith("test_torch"):
        import torch

        torch.manual_seed(7)


@pytest.fixture(params=[True, False], ids=["oneDNN", "without oneDNN"])
def kernels(request: pytest.FixtureRequest) -> Iterator[None]:
    import torch

    with torch.backends.mkldnn.flags(enabled=request.param):
        yield
