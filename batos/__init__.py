"""BAT OS: a living image of prototype objects, spoken to in messages."""

__version__ = "0.1.0"
