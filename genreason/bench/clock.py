"""CPU-seconds and memory of this process."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

SECONDS = 1.5  # how long a rate is measured


def rate(work: Callable[[int], object], seconds: float = SECONDS) -> float:
    """How often `work(i)` runs in a CPU-second."""
    work(0)
    count, start = 0, time.process_time()
    while time.process_time() - start < seconds:
        count += 1
        work(count)
    return count / (time.process_time() - start)


def cpu(work: Callable[[], object], repeat: int = 3) -> float:
    """The least CPU-seconds of `work()` in `repeat` runs."""
    times = []
    for _ in range(repeat):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def peak_mb() -> float:
    """Peak memory of this process in MB.

    From /proc where there is one: what `getrusage` says also counts the process that started this one.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
