"""The ground everything stands on. Pure: no Django, no clock, no input or output."""
