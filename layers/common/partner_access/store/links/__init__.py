"""Access links in the table."""
