"""One feature a module: a pure function from analysis and place to a plain result."""
