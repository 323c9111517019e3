"""Every kind of recurrent layer in every way to run it: true, harmless, or refused.

`python -m tests.matrix` runs all of it (an hour on 2 cores) and writes docs/recorder.md; a run
that was interrupted goes on where it was. `tests/test_matrix.py` runs a part of it, and compares
it with what the page says.
"""
