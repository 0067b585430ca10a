"""The language server: it reads programs and state, and never runs a mission itself."""
