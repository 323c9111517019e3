"""What each lesson must notice: for each a break in stateviz, and one in its own claim."""

from tests.mutation import Break

RESETS = "notebooks/00_when_does_keras_reset.ipynb"
WITHIN = "notebooks/01_within_a_sequence.ipynb"
ACROSS = "notebooks/02_across_batches.ipynb"
RESETTING = "notebooks/04_resets.ipynb"
BROKEN_STREAM = "notebooks/05_when_the_stream_breaks.ipynb"
DOES_IT_HELP = "notebooks/06_does_it_help.ipynb"
ONE_CHARACTER = "notebooks/07_one_character_at_a_time.ipynb"
STATEFUL = "notebooks/03_stateful.ipynb"
VERSIONS = "notebooks/10_versions.ipynb"
OWN_MODEL = "notebooks/09_your_own_model.ipynb"
TRIAL = "notebooks/08_claims_on_trial.ipynb"
BREAKS: tuple[Break, ...] = (
    Break(
        "the player's callback shows another frame",
        RESETS,
        "stateviz/playing/player.py",
        'self._scene.show(change["new"], self.chosen)',
        'self._scene.show(max(0, change["new"] - 1), self.chosen)',
    ),
    Break(
        "a reset is taken for a state that was carried over",
        RESETS,
        "stateviz/recorder/capture.py",
        """    if zeros:
        return "reset", None""",
        """    if zeros:
        return "carried", None""",
    ),
    Break(
        "h and c are swapped",
        RESETS,
        "stateviz/recorder/capture.py",
        "states=states,",
        "states=states[::-1],",
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
        "stateviz/recorder/capture.py",
        "return kind(*gates)",
        "return kind(*gates[::-1])",
    ),
    Break(
        "the counting LSTM forgets",
        WITHIN,
        "stateviz/lessons/counting.py",
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
        "stateviz/drawing/lanes.py",
        "lanes[:rows, start] = held.initial[:, unit]",
        "lanes[:rows, start] = held.final[:, unit]",
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
    Break(
        "the lanes run one timestep behind",
        DOES_IT_HELP,
        "stateviz/scenes/batches.py",
        "image.set_data(lanes.until_column(shown, column))",
        "image.set_data(lanes.until_column(shown, column - 1))",
    ),
    Break(
        "the switch turns the other way",
        DOES_IT_HELP,
        "stateviz/lessons/does_it_help.py",
        "answer[lane, cue:end] = positive",
        "answer[lane, cue:end] = not positive",
    ),
    Break(
        "the lesson's switch is stateless",
        DOES_IT_HELP,
        DOES_IT_HELP,
        "LSTM(16, stateful=True,",
        "LSTM(16, stateful=False,",
    ),
    Break(
        "a seed of the results is another",
        DOES_IT_HELP,
        "stateviz/lessons/does_it_help.csv",
        '"stateful, cues 200 to 400 apart",1,0.5\n',
        '"stateful, cues 200 to 400 apart",1,1.0\n',
    ),
    Break(
        "the twin keeps its own random weights",
        ONE_CHARACTER,
        "stateviz/recorder/twins.py",
        "    made.set_weights(model.get_weights())\n",
        "",
    ),
    Break(
        "a sequence is drawn one timestep late",
        ONE_CHARACTER,
        "stateviz/scenes/sequence.py",
        "timesteps.set_data(until(after, frame - 1))",
        "timesteps.set_data(until(after, frame - 2))",
    ),
    Break(
        "the lesson's stepper forgets each letter",
        ONE_CHARACTER,
        ONE_CHARACTER,
        "twin(in_order, batch_size=1, timesteps=1, stateful=True)",
        "twin(in_order, batch_size=1, timesteps=1, stateful=False)",
    ),
    Break(
        "the poem is written without its state",
        ONE_CHARACTER,
        ONE_CHARACTER,
        'write("Shall I", 86, keep_state=True)',
        'write("Shall I", 86, keep_state=False)',
    ),
    Break(
        "initial states are compared at their nearest units",
        STATEFUL,
        "stateviz/scenes/comparison.py",
        "apart[start] = initial.max()",
        "apart[start] = initial.min()",
    ),
    Break(
        "the stateful counting LSTM is stateless",
        STATEFUL,
        "stateviz/lessons/counting.py",
        "        stateful=stateful,",
        "        stateful=False,",
    ),
    Break(
        "the lesson claims that the last row continues in the first",
        STATEFUL,
        STATEFUL,
        "goes on from batch 0's: 0 1 2 3 4 5 6 7 8 9",
        "goes on from batch 0's: 9 0 1 2 3 4 5 6 7 8",
    ),
    Break(
        "the recordings of the stateful and the stateless program on Keras 2 are mixed up",
        VERSIONS,
        "stateviz/lessons/keras2.py",
        "'stateful' if stateful else 'stateless'",
        "'stateless' if stateful else 'stateful'",
    ),
    Break(
        "compare looks at the lane where the initial states are least apart",
        VERSIONS,
        "stateviz/scenes/comparison.py",
        "apart[start] = initial.max()",
        "apart[start] = initial.min()",
    ),
    Break(
        "the old program is not mended",
        VERSIONS,
        VERSIONS,
        'model.get_layer("lstm").reset_state()',
        'model.get_layer("lstm")',
    ),
    Break(
        "findings no longer see that validation moved the training's state",
        OWN_MODEL,
        "stateviz/recording/findings.py",
        'source.phase == "validation"',
        'source.phase == "evaluate"',
    ),
    Break(
        "the lesson's training has no validation",
        OWN_MODEL,
        OWN_MODEL,
        "model.fit(*train, validation_data=validation, batch_size=8",
        "model.fit(*train, batch_size=8",
    ),
    Break(
        "one statement that holds makes a claim true",
        TRIAL,
        "stateviz/lessons/trial.py",
        "if all(implied.values()):",
        "if any(implied.values()):",
    ),
    Break(
        "a reset is noted as a build",
        TRIAL,
        "stateviz/recorder/tap.py",
        'self._announcing(layer.reset_state, "reset_state")',
        'self._announcing(layer.reset_state, "build")',
    ),
    Break(
        "the believers forget to reset",
        TRIAL,
        TRIAL,
        "on_predict_batch_begin=lambda batch, logs:",
        "on_predict_end=lambda logs:",
    ),
    Break(
        "the lesson counts a half true claim as true",
        TRIAL,
        TRIAL,
        "HALF TRUE: Stateless: all states",
        "TRUE: Stateless: all states",
    ),
    Break(
        "the state of training is not put back after validation",
        RESETTING,
        "stateviz/recorder/cures.py",
        "            state.assign(value)\n",
        "            del state, value\n",
    ),
    Break(
        "a state from elsewhere is not told from a carried one",
        RESETTING,
        "stateviz/recorder/capture.py",
        'return "altered", seen.last.record',
        'return "carried", seen.last.record',
    ),
    Break(
        "the lesson claims that a clone keeps its state",
        RESETTING,
        RESETTING,
        '"clone_model": keras.models.clone_model',
        '"clone_model": lambda model: model',
    ),
    Break(
        "the rows that a lane reads are not compared with its series",
        BROKEN_STREAM,
        "stateviz/drawing/rows.py",
        "(self.read != self.in_order) & (self.read >= 0)",
        "(self.read != self.in_order) & (self.read < 0)",
    ),
    Break(
        "a repeated row is not noted",
        BROKEN_STREAM,
        "stateviz/recorder/capture.py",
        "if len(call.inputs) < batch_size:",
        "if len(call.inputs) > batch_size:",
    ),
    Break(
        "a masked timestep does not hold the state",
        BROKEN_STREAM,
        "stateviz/recorder/capture.py",
        "    if mask is None:\n        return returned\n",
        "    if mask is None or len(mask):\n        return returned\n",
    ),
    Break(
        "the lesson shuffles what it says is in order",
        BROKEN_STREAM,
        BROKEN_STREAM,
        "model.fit(X, y, batch_size=2, shuffle=False, verbose=0),",
        "model.fit(X, y, batch_size=2, verbose=0),",
    ),
)
