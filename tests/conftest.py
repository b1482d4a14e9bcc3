"""What all tests share: one thread, and the same examples in every run."""

from __future__ import annotations

import cv2
from hypothesis import HealthCheck, settings

cv2.setNumThreads(1)
settings.register_profile(
    "fixed", derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("fixed")
