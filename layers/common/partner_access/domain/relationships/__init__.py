"""A partner's employees across its clients: offboarding and the partner console."""
