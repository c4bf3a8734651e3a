"""Engines over engines: they split a question, ask again, choose, sum up and compare, and every part stays cited."""
