"""What a contract promises about refunds: terms, window, conformity, usage. Pure: no Django, no clock."""
