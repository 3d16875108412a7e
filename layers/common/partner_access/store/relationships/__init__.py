"""A partner's employees across its clients, in the table."""
