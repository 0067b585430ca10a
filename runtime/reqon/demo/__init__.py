"""The newcomer's first minute: a sample API on loopback and a guided tour through a killed run."""
