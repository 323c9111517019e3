"""A layer that runs in the page: a model's own weights, stepped in JavaScript, with no kernel."""
