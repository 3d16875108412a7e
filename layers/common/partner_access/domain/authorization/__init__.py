"""Access decisions: who can do what, why, and which change would decide otherwise."""
