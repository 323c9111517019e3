"""What recording costs, measured beside the same work unrecorded."""

import logging
import os

# TensorFlow reads it once, when it is first imported.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# Whoever traces many models on purpose need not be told so.
logging.getLogger("tensorflow").setLevel(logging.ERROR)
