"""Questions about tables, answered by statements that only read."""
