"""POST /access/v1/search/… at the door, over the product's own policy."""
