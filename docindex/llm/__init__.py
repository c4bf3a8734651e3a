"""Local and remote language models."""
