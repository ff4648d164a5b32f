"""Routes: each reads, and renders a template; an action does one thing, and redirects."""
