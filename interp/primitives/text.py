"""Primitives: text."""
