"""A second implementation of the records of Omni Market, written from protocol/SPEC.md alone."""
