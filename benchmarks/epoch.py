"""An epoch of fit, recorded against unrecorded."""

from __future__ import annotations

from benchmarks.measuring import differences, in_turn, progress, ratios
from benchmarks.report import Row, Target, Topic
from benchmarks.workloads import BATCHES, LONG, SHORT, Workload, recorded_beside_plain

_TARGETS = {False: Target(1.10), True: Target(1.5)}


def measure(repeats: int) -> Topic:
    rows, added, least = [], [], []
    for gates in (False, True):
        for workload in (SHORT, LONG):
            what = f"{workload}{', with gates' if gates else ''}"
            plain, recorded = _times(workload, gates=gates, repeats=repeats, what=what)
            rows.append(Row(what, ratios(recorded, plain), _TARGETS[gates]))
            milliseconds = 1000 * differences(recorded, plain).median / BATCHES
            added.append(f"{milliseconds:.2f} ms")
            least.append(f"{min(recorded) / min(plain):.2f}")
    return Topic(
        "A recorded epoch of fit",
        f"Two models with the same weights, an LSTM and a Dense layer, train for an epoch of "
        f"{BATCHES} batches in turn; both were traced before. The ratio is the time of the "
        "recorded epoch by that of the unrecorded one, with all that a call of fit does besides.",
        "ratio",
        rows,
        [
            f"In the table's order, recording adds to a batch (median) {', '.join(added)}; and the "
            f"fastest recorded epoch by the fastest unrecorded one is {', '.join(least)}.",
        ],
    )


def _times(
    workload: Workload, *, gates: bool, repeats: int, what: str
) -> tuple[list[float], list[float]]:
    progress(f"[epoch] tracing {what}")
    with recorded_beside_plain(workload, gates=gates) as pair:
        times = in_turn(
            {"unrecorded": pair.run_plain, "recorded": pair.run_recorded},
            repeats=repeats,
            what=f"epoch, {what}",
            after_each_round=pair.forget,
        )
    return times["unrecorded"], times["recorded"]
