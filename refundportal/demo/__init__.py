"""A believable company to try the portal with: told through the same services that people use."""
