"""Readers of published datasets, one file each, and their registry."""
