"""Memberships in the table."""
