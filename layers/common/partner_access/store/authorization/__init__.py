"""Facts of access decisions and explanations."""
