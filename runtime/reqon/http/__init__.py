"""Requests over HTTP: decisions are pure state machines, `client` alone awaits."""
