"""Developer and operator tools: the local stack, the demo, tokens, emails and operations.

The product never imports them.
"""
