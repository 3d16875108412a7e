"""Access links: their secrets, approval, renewal and end."""
