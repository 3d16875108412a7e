"""Changes of an account's own permission sets, and updates of the vendor's sets."""
