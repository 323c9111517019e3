"""Real Keras behind a control panel: choices, the program that they mean, and what it did."""

from stateviz.experiment.widget import Experiment as Experiment
