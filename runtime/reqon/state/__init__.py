"""The read side of `.vague-data`: standard library only, never writes, returns for any bytes."""
