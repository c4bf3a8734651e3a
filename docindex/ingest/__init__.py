"""From files to a committed index: plan, load, chunk, embed, commit, report."""
