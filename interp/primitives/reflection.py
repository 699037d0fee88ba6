"""Primitives: reflection."""
