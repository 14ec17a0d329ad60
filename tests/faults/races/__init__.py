"""Races: whoever comes together, one order of events is what happened. Each has a twin without protection."""
