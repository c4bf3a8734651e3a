"""Contract suites and fakes for the tests of those who extend docindex."""
