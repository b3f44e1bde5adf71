"""What the page's scripts have in common; served to the browser."""
