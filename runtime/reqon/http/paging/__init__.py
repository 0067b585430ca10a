"""Kinds of pagination, one file each."""
