"""What tests build on: recordings without Keras, small models, scenes, and a decoded payload."""
