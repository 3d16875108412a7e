"""The vendor's catalogue of permissions, and rights made of them."""
