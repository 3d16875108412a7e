"""Members of an account: who acts, what they can do, and each change of a membership."""
