"""Which models there are, and how they are acquired and verified."""
