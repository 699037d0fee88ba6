"""The plain Python side of the suite: what the message language is measured against."""
