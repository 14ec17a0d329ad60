"""Days on which everything goes wrong around the portal: provider, clock, backup, disk, queue."""
