"""Proof under fire: processes are killed, providers lie, databases stop, and everybody comes at once."""
