"""What the product could be replaced with: each a module that does the same work in one process."""
