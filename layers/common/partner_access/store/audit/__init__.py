"""The audit log in the table."""
