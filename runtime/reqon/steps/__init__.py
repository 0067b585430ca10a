"""The runners of steps, one file a step."""
