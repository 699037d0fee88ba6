"""Images for the tests: each in a folder of its own."""

import pytest


@pytest.fixture
def location(tmp_path):
    """Where an image may be made."""
    return tmp_path / "live_image.fs"
