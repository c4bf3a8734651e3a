"""Structures over nodes beyond the flat one."""
