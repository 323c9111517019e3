"""Runs every program that the lessons' experiments offer, and keeps what they did.

python -m tools.record_experiments           all of them
python -m tools.record_experiments question  some of them
"""

import sys

from stateviz.course.experiments import EXPERIMENTS, experiment, recorded_at
from tools.course_environment import prepare_environment


def main(names: list[str]) -> None:
    """Records the experiments of these names, or all."""
    prepare_environment()
    for name in names or EXPERIMENTS:
        path = recorded_at(name)
        path.parent.mkdir(exist_ok=True)
        experiment(name).record_all(path)
        print(f"{name}: {path.stat().st_size / 1024:,.0f} kB")


if __name__ == "__main__":
    main(sys.argv[1:])
