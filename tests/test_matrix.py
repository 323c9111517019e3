"""The table in docs/recorder.md, a part of it run anew at every test run."""

from __future__ import annotations

import pytest

from tests.matrix.configurations import CONFIGURATIONS, Configuration
from tests.matrix.page import PAGE, SIGNS, signs_on_the_page
from tests.matrix.verdicts import outcome
from tests.matrix.way import Way
from tests.matrix.ways import WAYS

pytestmark = pytest.mark.full

ON_THE_PAGE = signs_on_the_page(PAGE.read_text(encoding="utf-8"))

# Each way on one configuration, and the other configurations in ways that cost little: half of
# them in CI, all in `make test-all`.
CHEAP = [way for way in WAYS if way.name in ("evaluate", "predict", "model(x)", "GradientTape")]
EVERY_OTHER = [*CONFIGURATIONS[::2], *CONFIGURATIONS[1::2]]
SAMPLE = [
    (configuration, WAYS[place] if place < len(WAYS) else CHEAP[place % len(CHEAP)])
    for place, configuration in enumerate(EVERY_OTHER)
]


def test_the_page_knows_every_configuration_in_every_way_and_none_is_unknown() -> None:
    assert list(ON_THE_PAGE) == [configuration.name for configuration in CONFIGURATIONS]
    for name, signs in ON_THE_PAGE.items():
        assert len(signs) == len(WAYS), name
        assert set(signs) <= set(SIGNS.values()), name


@pytest.mark.parametrize(
    ("configuration", "way"),
    [
        pytest.param(c, w, id=f"{c.name}: {w.name}", marks=pytest.mark.nightly if place % 2 else [])
        for place, (c, w) in enumerate(SAMPLE)
    ],
)
def test_a_cell_of_the_page(configuration: Configuration, way: Way) -> None:
    found = outcome(configuration, way)
    expected = ON_THE_PAGE[configuration.name][WAYS.index(way)]
    assert SIGNS.get(found.verdict, found.verdict) == expected, found.words
