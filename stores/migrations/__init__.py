"""Numbered steps from an empty database to this version's registry; each runs once, recorded in its transaction."""
