"""Those who watch a run: they take events and show, log or hand them on; none changes the run."""
