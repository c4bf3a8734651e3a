"""Documents cut into nodes."""
