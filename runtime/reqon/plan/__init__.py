"""A mission as data, ready to run: no secret, no handle, no function."""
