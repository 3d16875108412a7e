"""The one DynamoDB table: facts are read together, decisions come true in one transaction."""
