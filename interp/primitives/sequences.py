"""Primitives: sequences."""
