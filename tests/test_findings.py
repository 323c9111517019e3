"""Findings tell what is odd about a real run, and are silent where nothing is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import stateviz
from stateviz.recording.finding import Finding, Findings
from tests.building.models import ONES, counting_model
from tests.building.recordings import SAMPLES, TIMESTEPS, UNITS, a_batch, a_recording

FIT: dict[str, Any] = {"batch_size": 2, "verbose": 0, "shuffle": False}


def fitted(*, validated: bool, cured: bool, stateful: bool = True) -> Findings:
    model = counting_model(stateful=stateful)
    with stateviz.record(model) as recording:
        model.fit(
            ONES,
            ONES[:, 0],
            epochs=3,
            validation_data=(ONES[:2], ONES[:2, 0]) if validated else None,
            callbacks=[stateviz.ResetStates()] if cured else [],
            **FIT,
        )
    return recording.findings()


def kinds(findings: list[Finding]) -> list[str]:
    return [finding.kind for finding in findings]


def test_a_stateless_run_has_nothing_odd() -> None:
    assert fitted(validated=True, cured=False, stateful=False) == []


def test_validation_in_a_stateful_fit_is_found_with_its_evidence() -> None:
    [finding] = fitted(validated=True, cured=False)
    assert finding.kind == "validation altered the training state"
    assert finding.batches == (4, 8)
    assert "2 times training went on" in repr(finding)
    assert "first in epoch 1" in finding.what
    assert "callbacks=[stateviz.ResetStates()]" in finding.cure


def test_a_predict_that_goes_on_with_validation_is_not_called_training() -> None:
    model = counting_model(stateful=True)
    with stateviz.record(model) as recording:
        model.fit(ONES, ONES[:, 0], validation_data=(ONES[:2], ONES[:2, 0]), **FIT)
        model.predict(ONES, batch_size=2, verbose=0)
    [finding] = recording.findings()
    assert finding.kind == "one phase went on where another had ended"
    assert finding.batches == (4,)
    assert "first 'predict' with that of 'validation'" in finding.what


def test_epochs_that_reset_nothing_are_found() -> None:
    [finding] = fitted(validated=False, cured=False)
    assert finding.kind == "an epoch began with the state of the epoch before"
    assert finding.batches == (3, 6)


@pytest.mark.parametrize("samples", [3, 4])
def test_a_last_batch_of_one_that_keras_repeats_is_found(samples: int) -> None:
    model = counting_model(stateful=True)  # for batches of 2
    with stateviz.record(model, every=2) as recording:
        predictions = model.predict(ONES[[0, 1, 2, 3][:samples]], batch_size=2, verbose=0)
    assert len(predictions) == 4
    found = recording.findings()
    assert kinds(found) == (["one row was repeated"] if samples == 3 else [])
    if found:
        assert found[0].batches == ()  # seen, though this batch was not kept
        assert "Once, a batch had one row" in repr(found[0])
        assert "fill the 2 rows" in found[0].what


def test_a_repeated_row_stays_known_in_a_file(tmp_path: Path) -> None:
    model = counting_model(stateful=True)
    with stateviz.record(model) as recording:
        model.predict(ONES[:3], batch_size=2, verbose=0)
    [found] = recording.findings()
    assert found.batches == (1,)
    assert stateviz.load(recording.save(tmp_path / "run.npz")).findings() == [found]


@pytest.mark.parametrize("validated", [False, True])
def test_the_cures_cure(validated: bool) -> None:
    assert fitted(validated=validated, cured=True) == []


def test_a_fit_that_goes_on_after_predict_is_found() -> None:
    model = counting_model(stateful=True)
    with stateviz.record(model) as recording:
        model.fit(ONES, ONES[:, 0], **FIT)
        model.predict(ONES, batch_size=2, verbose=0)
    [finding] = recording.findings()
    assert finding.kind == "one phase went on where another had ended"
    assert "first 'predict' with that of 'fit'" in finding.what
    assert finding.batches == (3,)


def test_a_state_from_outside_is_found() -> None:
    model = counting_model(stateful=True)
    model.predict(ONES, batch_size=2, verbose=0)
    with stateviz.record(model) as recording:
        model.predict(ONES, batch_size=2, verbose=0)
    assert kinds(recording.findings()) == ["a state came from outside the recording"]


def test_a_state_that_is_not_a_number_is_found_in_an_opened_recording(tmp_path: Any) -> None:
    recording = a_recording(2)
    broken = np.full((SAMPLES, TIMESTEPS, UNITS), np.nan)
    recording["lstm"].batches.append(a_batch(2, cell_state=broken))
    opened = stateviz.load(recording.save(tmp_path / "run.npz"))
    [finding] = opened.findings()
    assert finding.kind == "a state is not finite"
    assert finding.batches == (2,)


def test_findings_wrap_at_words_in_a_notebook() -> None:
    found = fitted(validated=True, cured=False)
    assert repr(found) == "\n".join(f"- {each}" for each in found)
    page = found._repr_html_()
    assert page.count("<li>") == len(found) > 0
    assert "<i>Give fit callbacks=[stateviz.ResetStates()]" in page
    assert fitted(validated=True, cured=True)._repr_html_().startswith("<p>No findings.")
    odd = Findings([Finding("<b>", "odd", "a < b", (), "c & d")])
    assert "<b>&lt;b&gt;</b>: a &lt; b<br><i>c &amp; d</i>" in odd._repr_html_()
