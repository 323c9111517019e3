"""What the site has beside the repository's own pages."""
