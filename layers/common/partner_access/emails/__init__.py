"""Emails: templates by name and language, their rendering, and their transport by SES."""
