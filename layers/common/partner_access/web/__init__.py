"""Assets, headers and languages of the pages."""
