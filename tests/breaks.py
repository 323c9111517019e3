"""What each lesson must notice: for each a break in stateviz, and one in its own claim."""

from tests.mutation import Break

RESETS = "notebooks/00_when_does_keras_reset.ipynb"
WITHIN = "notebooks/01_within_a_sequence.ipynb"
ACROSS = "notebooks/02_across_batches.ipynb"
BREAKS: tuple[Break, ...] = (
    Break(
        "the player's callback shows another frame",
        RESETS,
        "stateviz/player.py",
        'self._scene.show(change["new"], self.chosen)',
        'self._scene.show(max(0, change["new"] - 1), self.chosen)',
    ),
    Break(
        "a reset is taken for a state that was carried over",
        RESETS,
        "stateviz/capture.py",
        """    if zeros:
        return "reset", None""",
        """    if zeros:
        return "carried", None""",
    ),
    Break(
        "h and c are swapped",
        RESETS,
        "stateviz/capture.py",
        "hidden_state=states[0],",
        "hidden_state=states[-1],",
    ),
    Break(
        "the lesson's stateful model is not stateful",
        RESETS,
        RESETS,
        "stateful = build(stateful=True)",
        "stateful = build(stateful=False)",
    ),
    Break(
        "the gates change names",
        WITHIN,
        "stateviz/capture.py",
        "return kind(*gates)",
        "return kind(*gates[::-1])",
    ),
    Break(
        "the counting LSTM forgets",
        WITHIN,
        "stateviz/lessons/probe.py",
        "np.array([30.0, 30.0, 0.0, 30.0])",
        "np.array([30.0, 0.0, 0.0, 30.0])",
    ),
    Break(
        "the lesson claims other weights for 2000 timesteps",
        WITHIN,
        WITHIN,
        "timesteps 2000: 4352 weights",
        "timesteps 2000: 435200 weights",
    ),
    Break(
        "a lane begins with the state that it ends with",
        ACROSS,
        "stateviz/lanes.py",
        'lanes[:rows, start] = getattr(batch, f"initial_{state}_state")[:, unit]',
        'lanes[:rows, start] = getattr(batch, f"final_{state}_state")[:, unit]',
    ),
    Break(
        "the lesson's stateless counter is stateful",
        ACROSS,
        ACROSS,
        "counting_model(batch_size=None, timesteps=3)",
        "counting_model(batch_size=4, timesteps=3, stateful=True)",
    ),
    Break(
        "the lesson changes two samples and calls them one",
        ACROSS,
        ACROSS,
        "changed[9] *= -1",
        "changed[8:] *= -1",
    ),
)
