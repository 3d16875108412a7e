"""POST /access/v1/evaluation and …/evaluations at the door, over the product's own policy."""
