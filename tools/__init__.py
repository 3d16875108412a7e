"""What people run on their own machine: the local stack, the demo, tokens and letters. The product knows nothing of it."""
