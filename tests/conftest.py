"""What all tests share: no settings of the person's own, skips that say why, and hypothesis without a clock."""

from __future__ import annotations

import os
import shutil

import pytest
from hypothesis import settings

from batos.jit.model_status import model_status

IN_CI = os.environ.get("CI", "").lower() in ("1", "true", "yes")

# Whatever model, image or policy the person set must not decide what a test finds.
for _name in [name for name in os.environ if name.startswith("BATOS_")]:
    del os.environ[_name]

# No deadline: the machine is shared, and a slow example is not a wrong one. In CI the same examples every time.
settings.register_profile("batos", deadline=None, derandomize=IN_CI)
settings.load_profile("batos")

WINDOW_TOOLS = ("Xvfb", "xdotool", "import")


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("model"):
        status = model_status()
        if not status.ready:
            # A green CI that never asked the model would prove nothing.
            (pytest.fail if IN_CI else pytest.skip)(f"needs the embedded model, and {status}")
    if item.get_closest_marker("window"):
        missing = [tool for tool in WINDOW_TOOLS if shutil.which(tool) is None]
        if missing:
            pytest.skip(f"needs a real window, and {', '.join(missing)} could not be installed (.ci/setup tries)")
