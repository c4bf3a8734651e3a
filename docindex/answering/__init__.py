"""Answers from hits, with checked citations."""
