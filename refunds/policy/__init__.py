"""The refund policy: frozen facts in, one answer out. Pure: no Django, no clock, no input or output."""

POLICY_VERSION = "1"
