"""Kinds of stores, one file each."""
