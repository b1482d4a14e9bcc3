"""What all tests share: one thread, and the same examples in every run."""

from __future__ import annotations

import cv2
import pytest
from hypothesis import HealthCheck, settings

cv2.setNumThreads(1)
settings.register_profile(
    "fixed", derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("fixed")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """Folders with tiny pipelines by family, each made once."""
    from genreason.testing.tiny import tiny_pipeline  # it needs torch

    made = {}

    def find(family):
        if family not in made:
            made[family] = tiny_pipeline(family, tmp_path_factory.mktemp("tiny") / family)
        return made[family]

    return find
