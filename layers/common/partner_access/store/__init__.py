"""Access to the single DynamoDB table: one read for the facts of a decision, one transaction to commit it."""
