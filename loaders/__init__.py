"""Files read into documents: one module a family of formats."""
