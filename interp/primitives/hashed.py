"""Primitives: hashed."""
