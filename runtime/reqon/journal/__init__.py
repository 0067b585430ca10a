"""The write side of `.vague-data`: journal, units, locks, recovery, views."""
