"""Pieces of SQL that read the same on every database."""


def plain(column: str) -> str:
    """SQL that writes an id as 32 hexadecimal digits on every database."""
    return f"LOWER(REPLACE(CAST({column} AS text), '-', ''))"
