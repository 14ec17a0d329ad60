"""How fast things are, each measured in turn with an anchor in the same run."""
