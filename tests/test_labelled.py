"""Recorded arrays with named axes and kept numbers, and counts as a table."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from stateviz.recording import Event, Gates, GRUGates, LayerRecording, Recording
from tests.building.gradients import falling, trained
from tests.building.recordings import SAMPLES, TIMESTEPS, UNITS, a_batch, a_recording, starts

ONE_STATE = {"cell_state": None, "initial_cell_state": None, "final_cell_state": None}


def test_gradients_are_there_where_all_batches_have_them() -> None:
    recording = trained(falling(10), falling(3))
    data = recording["lstm"].to_xarray()
    assert data.cell_state_gradient.dims == ("batch", "sample", "timestep", "unit")
    assert data.initial_hidden_state_gradient.dims == ("batch", "sample", "unit")
    found = recording["lstm"].batches[1].gradients
    assert found is not None
    at = data.hidden_state_gradient.sel(batch=1, sample=2, timestep=0, unit=1)
    assert float(at) == found.hidden_state[2, 0, 1]
    recording["lstm"].batches[0] = a_batch(0)
    assert "cell_state_gradient" not in recording["lstm"].to_xarray()


def test_axes_have_names_and_the_kept_numbers() -> None:
    random = np.random.default_rng(0)
    samples = np.array([1, 3, 4, 7])
    layer = LayerRecording("lstm", "LSTM", 9, stateful=True, kept_units=(2, 5))
    inputs = random.normal(size=(SAMPLES, TIMESTEPS, 3))
    gates = Gates(*random.normal(size=(4, SAMPLES, TIMESTEPS, UNITS)))
    words = {"samples": samples, "inputs": inputs, "gates": gates, "batch_size": 8}
    layer.batches += [a_batch(index, **words) for index in range(3)]
    layer.batches.append(a_batch(3, phase="predict", epoch=None, origin="reset", **words))

    data = layer.to_xarray()

    assert data.hidden_state.dims == ("batch", "sample", "timestep", "unit")
    assert data.initial_cell_state.dims == ("batch", "sample", "unit")
    assert data.inputs.dims == ("batch", "sample", "timestep", "feature")
    one = layer.batches[2]
    assert one.cell_state is not None
    at = data.cell_state.sel(batch=2, sample=4, timestep=1, unit=5)
    assert float(at) == one.cell_state[2, 1, 1]
    assert (
        float(data.forget_gate.sel(batch=0, sample=1, timestep=2, unit=2)) == gates.forget[0, 2, 0]
    )
    predicted = data.where(data.phase == "predict", drop=True)
    assert predicted.batch.values.tolist() == [3]
    assert predicted.origin.values.tolist() == ["reset"]
    assert data.origins.sel(batch=1).values.tolist() == ["carried"] * 4
    assert data.source_row.sel(batch=1).values.tolist() == [1, 3, 4, 7]
    assert data.source_batch.sel(sample=3).values.tolist() == [-1, 0, 1, -1]
    assert set(data.source_layer.values.ravel()) == {"lstm", ""}
    assert np.isnan(predicted.epoch.values).all()
    assert data.attrs == {"layer": "lstm", "kind": "LSTM", "stateful": 1}


def test_a_view_keeps_the_numbers_of_its_batches() -> None:
    assert a_recording()["lstm"].select(epoch=1).to_xarray().batch.values.tolist() == [3, 4, 5]


def test_a_layer_that_reads_backwards_has_the_timesteps_of_the_data() -> None:
    layer = LayerRecording("gru", "GRU", UNITS, stateful=False, go_backwards=True)
    gates = GRUGates(*np.zeros((3, SAMPLES, TIMESTEPS, UNITS)))
    mask = np.ones((SAMPLES, TIMESTEPS), bool)
    layer.batches.append(a_batch(0, go_backwards=True, gates=gates, mask=mask, **ONE_STATE))
    data = layer.to_xarray()
    read_first = data.hidden_state.sel(timestep=TIMESTEPS - 1, sample=0)
    np.testing.assert_array_equal(read_first[0], layer.batches[0].hidden_state[0, 0])
    assert "cell_state" not in data
    assert data["mask"].dims == ("batch", "sample", "timestep")
    assert {"update_gate", "reset_gate", "candidate_gate"} <= set(data)


def test_a_convolution_has_an_axis_for_each_of_its_own() -> None:
    layer = LayerRecording("conv", "ConvLSTM1D", 2, stateful=False)
    space = np.zeros((SAMPLES, TIMESTEPS, 5, 2))
    states = {"hidden_state": space, "initial_hidden_state": space[:, 0]}
    states |= {"final_hidden_state": space[:, 0]}
    layer.batches.append(a_batch(0, **states, **ONE_STATE))
    axes = ("batch", "sample", "timestep", "unit_axis_0", "unit_axis_1")
    assert layer.to_xarray().hidden_state.dims == axes


def test_a_dataset_survives_a_file_of_its_own(tmp_path: Path) -> None:
    """What NetCDF cannot hold, such as None and bool, is not in it."""
    pytest.importorskip("scipy")
    data = a_recording()["lstm"].to_xarray()
    data.to_netcdf(tmp_path / "lstm.nc", engine="scipy")
    import xarray

    with xarray.open_dataset(tmp_path / "lstm.nc", engine="scipy") as opened:
        np.testing.assert_array_equal(opened.cell_state, data.cell_state)


def test_an_empty_layer_says_how_to_fill_it() -> None:
    with pytest.raises(ValueError, match="Run the model inside"):
        a_recording(0)["lstm"].to_xarray()


def test_resets_are_a_table_of_numbers() -> None:
    recording = a_recording()
    recording.events.append(
        Event("batch", "predict", layer="lstm", batch_size=7, starts=starts("fresh", rows=7))
    )
    table = recording.resets().to_pandas()
    assert table.shape == (3, 13)
    assert table["phase"].tolist() == ["fit", "fit", "predict"]
    assert table["epoch"].isna().tolist() == [False, False, True]
    assert table["sample_states_zeroed"].sum() == recording.resets().sample_states_zeroed
    assert table.groupby("phase")["carried"].sum().to_dict() == {"fit": 5, "predict": 0}
    assert Recording([]).resets().to_pandas().empty


@pytest.mark.parametrize(
    ("package", "use"),
    [
        ("xarray", lambda recording: recording["lstm"].to_xarray()),
        ("pandas", lambda recording: recording.resets().to_pandas()),
    ],
)
def test_what_is_not_installed_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, package: str, use: object
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(
        ImportError, match=rf"needs {package}, which is not.*pip install {package}$"
    ):
        use(a_recording())  # type: ignore[operator]
