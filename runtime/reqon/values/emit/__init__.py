"""From the tree of an expression to the tree of a Python function, piece by piece."""
