"""Permission sets in the table."""
