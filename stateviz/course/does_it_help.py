"""Whether carrying the state over helps: small experiments, each with several seeds.

    python -m stateviz.course.does_it_help

runs them all (about ten minutes on two cores) and writes `does_it_help.csv` beside this file. The
data are made here, from seeded random numbers: streams with rare cues of +5 and -5. The answer is
whether the last cue was positive, so a model has to remember it until the next cue.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

RESULTS = Path(__file__).with_name("files") / "does_it_help.csv"
COLUMNS = ("experiment", "setting", "seed", "value")
CUE = 5.0
UNITS = 16
_NEW_DATA = 1000  # added to a seed, it gives a stream that no model was trained on


@dataclass(frozen=True)
class Case:
    """One training run.

    Attributes:
        experiment: Which question it belongs to.
        setting: What differs between the runs of an experiment, in words.
        seed: For the weights and the stream.
        window: The timesteps of a sample: the stream is cut into windows of this length.
        batch_size: The number of lanes.
        gaps: The fewest and the most timesteps from one cue to the next.
        asked_after: Only windows that end at least so many timesteps after a cue count in the loss;
            -1 for all windows.
        scored_after: Only such windows count in the accuracy.
        stream: The timesteps of an epoch.
        quiet: How many timesteps a stream begins with before a cue may come.
        epochs: The epochs.
        stateful: Whether the state is carried over from window to window.
        reset: Whether each epoch begins from zeros.
        learning_rate: Adam's.
    """

    experiment: str
    setting: str
    seed: int
    window: int = 20
    batch_size: int = 64
    gaps: tuple[int, int] = (40, 400)
    asked_after: int = -1
    scored_after: int = 200
    stream: int = 2000
    quiet: int = 0
    epochs: int = 8
    stateful: bool = True
    reset: bool = True
    learning_rate: float = 0.01


def cases() -> Iterator[Case]:
    """All runs, experiment by experiment.

    Example:
        >>> len({(case.experiment, case.setting, case.seed) for case in cases()})
        66
    """
    far = "far from the cue"
    for seed in range(5):
        yield Case(far, "stateful, asked in every window", seed)
        yield Case(far, "stateless, asked in every window", seed, stateful=False)
        yield Case(far, "stateful, asked only far away", seed, asked_after=100)
        yield Case(
            far, "stateful, cues 200 to 400 apart", seed, gaps=(200, 400), stream=4000, epochs=4
        )
    pattern = {"gaps": (16, 16), "asked_after": 15, "scored_after": 15, "learning_rate": 0.005}
    for seed in range(3):
        for batch_size in (4, 8, 16, 32, 64):
            for window in (8, 16):
                yield Case(
                    "length or batch size",
                    f"T={window}, batch size {batch_size}",
                    seed,
                    window=window,
                    batch_size=batch_size,
                    stream=1600,
                    epochs=10,
                    **pattern,  # type: ignore[arg-type]
                )
    for seed in range(4):
        for stream, epochs in ((100, 100), (4000, 4)):
            for reset in (True, False):
                how = "reset" if reset else "not reset"
                yield Case(
                    "reset each epoch",
                    f"{stream} timesteps an epoch, {how}",
                    seed,
                    scored_after=-1,
                    stream=stream,
                    quiet=20,
                    epochs=epochs,
                    reset=reset,
                )


def switch_stream(
    lanes: int, timesteps: int, gaps: tuple[int, int], seed: int, *, quiet: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Makes streams of cues: the input is +5 or -5 at a cue and 0 at all other timesteps.

    Args:
        lanes: The number of streams, side by side.
        timesteps: How long they are.
        gaps: The fewest and the most timesteps from one cue to the next.
        seed: For NumPy's random numbers.
        quiet: How many timesteps a stream begins with before a cue may come.

    Returns:
        The input, float32; whether the last cue was positive, float32, 0 before the first; and the
        timesteps since the last cue, int, -1 before the first. Each of shape (lanes, timesteps).

    Example:
        >>> x, answer, since = switch_stream(1, 8, (3, 3), seed=1)
        >>> print(x[0], answer[0], since[0], sep=chr(10))
        [-5.  0.  0.  5.  0.  0.  5.  0.]
        [0. 0. 0. 1. 1. 1. 1. 1.]
        [0 1 2 0 1 2 0 1]
    """
    rng = np.random.default_rng(seed)
    x = np.zeros((lanes, timesteps), np.float32)
    answer = np.zeros_like(x)
    since = np.full((lanes, timesteps), -1)
    fewest, most = gaps
    for lane in range(lanes):
        cue = quiet + (int(rng.integers(fewest)) if fewest < most else 0)
        while cue < timesteps:
            positive = bool(rng.integers(2))
            end = min(cue + int(rng.integers(fewest, most + 1)), timesteps)
            x[lane, cue] = CUE if positive else -CUE
            answer[lane, cue:end] = positive
            since[lane, cue:end] = np.arange(end - cue)
            cue = end
    return x, answer, since


def windows(
    stream: tuple[np.ndarray, np.ndarray, np.ndarray], timesteps: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cuts streams into samples: row i of each batch goes on where row i of the last batch ended.

    Args:
        stream: What `switch_stream` made, with a length that is a multiple of `timesteps`.
        timesteps: The timesteps of a sample.

    Returns:
        X of shape (samples, timesteps, 1); y of shape (samples, 1), the answer at the end of each
        sample; and the timesteps since the last cue at that end, shape (samples,).

    Example:
        >>> X, y, since = windows(switch_stream(2, 40, (16, 16), seed=0), 20)
        >>> X.shape, y.shape, since.tolist()
        ((4, 20, 1), (4, 1), [3, 3, 7, 7])
    """
    x, answer, since = stream
    X = x.reshape(len(x), -1, timesteps).swapaxes(0, 1).reshape(-1, timesteps, 1)
    ends = slice(timesteps - 1, None, timesteps)
    return X, answer[:, ends].T.reshape(-1, 1), since[:, ends].T.ravel()


def samples_of(case: Case, *, new: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The samples that a case trains on, or new ones from a stream of the same kind.

    New streams are at least 4000 timesteps long, save where an epoch is short on purpose.
    """
    timesteps = max(case.stream, 4000) if new and case.stream > 100 else case.stream
    seed = case.seed + _NEW_DATA if new else case.seed
    stream = switch_stream(case.batch_size, timesteps, case.gaps, seed, quiet=case.quiet)
    return windows(stream, case.window)


def build(case: Case) -> Any:
    """Makes the compiled model of a case; it reads (batch_size, window, 1)."""
    import keras

    keras.utils.set_random_seed(case.seed)
    model = keras.Sequential(
        [
            keras.Input(batch_shape=(case.batch_size, case.window, 1)),
            keras.layers.LSTM(UNITS, stateful=case.stateful, name="lstm"),
            keras.layers.Dense(1, activation="sigmoid", use_bias=False),
        ]
    )
    model.compile(keras.optimizers.Adam(case.learning_rate), "binary_crossentropy")
    return model


def train(case: Case) -> tuple[Any, float]:
    """Trains the model of a case, and gives it with the loss of its last epoch."""
    import stateviz

    model = build(case)
    X, y, since = samples_of(case)
    history = model.fit(
        X,
        y,
        batch_size=case.batch_size,
        epochs=case.epochs,
        shuffle=False,
        sample_weight=(since >= case.asked_after).astype("float32"),
        callbacks=[stateviz.ResetStates()] if case.stateful and case.reset else [],
        verbose=0,
    )
    return model, history.history["loss"][-1]


def accuracy(model: Any, case: Case) -> float:
    """The share of right answers on a new stream, which begins from a state of zeros."""
    import stateviz

    X, y, since = samples_of(case, new=True)
    if case.stateful:
        stateviz.reset_state(model)
    predicted = model.predict(X, batch_size=case.batch_size, verbose=0)
    right = ((predicted > 0.5) == (y > 0.5))[:, 0]
    return float(right[since >= case.scored_after].mean())


def run(case: Case) -> list[tuple[str, str, int, float]]:
    """Trains and tries one case.

    Returns:
        Rows of the results: experiment, setting, seed, value. The value is the accuracy on new
        data; where epochs are reset or not, a second row holds the loss of the last epoch.
    """
    model, loss = train(case)
    rows = [(case.experiment, case.setting, case.seed, round(accuracy(model, case), 3))]
    if case.experiment == "reset each epoch":
        rows.append((f"{case.experiment}: loss", case.setting, case.seed, round(loss, 4)))
    return rows


def load_results() -> dict[str, dict[str, list[float]]]:
    """Opens the results that ship with the package.

    Returns:
        The values, one for each seed from 0 on, by experiment and setting.

    Example:
        >>> list(load_results())[:2]
        ['far from the cue', 'length or batch size']
    """
    results: dict[str, dict[str, list[float]]] = {}
    with RESULTS.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            settings = results.setdefault(row["experiment"], {})
            settings.setdefault(row["setting"], []).append(float(row["value"]))
    return results


def main() -> None:
    """Runs all cases, with a line for each, and writes the results."""
    import keras

    todo = list(cases())
    rows = []
    for number, case in enumerate(todo, start=1):
        began = time.monotonic()
        rows += run(case)
        value, seconds = rows[-1][-1], time.monotonic() - began
        print(
            f"{number:2}/{len(todo)}  {case.experiment}: {case.setting}, seed {case.seed}: "
            f"{value}  ({seconds:.0f} s)",
            flush=True,
        )
        keras.backend.clear_session()
    order = list(dict.fromkeys(case.experiment for case in todo))
    rows.sort(key=lambda row: order.index(row[0].removesuffix(": loss")))
    with RESULTS.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)


if __name__ == "__main__":
    main()
