"""The Reqon language: text to checked program. Pure: no disk, no clock, no network."""
