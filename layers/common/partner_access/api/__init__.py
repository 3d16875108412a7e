"""HTTP in and out: requests are parsed and checked here, responses and problems are rendered."""
