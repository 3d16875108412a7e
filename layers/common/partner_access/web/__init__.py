"""What the pages are served with: assets, headers and languages."""
