"""The tree of a program: frozen dataclasses with relative spans (see `base`)."""
