"""Which tests of this folder run in which environment (`make test-backends`)."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

_KERAS_ON = os.environ.get("KERAS_BACKEND")
collect_ignore_glob = {
    "jax": ["test_torch_*"],
    "torch": ["test_torch_*", "test_jax_*"],
}.get(_KERAS_ON or "", ["test_jax_*", "test_keras_*", "keras_models.py"])


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
