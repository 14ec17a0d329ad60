"""The points of a payout at which a process can be told to die."""

from events.crashes import crash_point

__all__ = ["crash_point"]
