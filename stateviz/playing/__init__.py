"""Plays a matplotlib figure in the browser. It knows nothing of LSTMs."""
