"""State stores of a program's own: executions kept elsewhere, and resumed from there."""
