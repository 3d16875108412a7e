"""The audit log: entries, hash chains, signed tree heads, and the events made of entries."""
