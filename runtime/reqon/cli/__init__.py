"""The command `reqon`: reads arguments, calls the rooms below and words what they answer."""
