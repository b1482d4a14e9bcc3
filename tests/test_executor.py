"""Work comes out the same wherever it runs, in order, within bounds, and stops when asked."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import genreason
from genreason.executor import WINDOW, run_map
from genreason.types import GenreasonError, UserError


def square(x: int) -> int:
    return x * x


def slow_when_even(x: int) -> int:
    time.sleep(0.05 if x % 2 == 0 else 0)
    return x


def scaled(factor: int, x: int) -> int:
    return factor * x


def fail_at_three(x: int) -> int:
    if x == 3:
        raise UserError("three is not allowed")
    return x


def die(x: int) -> int:
    os._exit(9)


def threads(_: int) -> int:
    import cv2

    return cv2.getNumThreads()


def test_serial_equals_parallel() -> None:
    serial = list(run_map(functools.partial(scaled, 3), range(20)))
    assert serial == list(run_map(functools.partial(scaled, 3), range(20), workers=2))
    assert serial == list(run_map(functools.partial(scaled, 3), range(20), workers=1, backend="processes"))


def test_results_come_in_order() -> None:
    assert list(run_map(slow_when_even, range(8), workers=2)) == list(range(8))


def test_no_items() -> None:
    assert list(run_map(square, [], workers=2)) == []


def test_progress_counts() -> None:
    seen: list[int] = []
    list(run_map(square, range(4), progress=seen.append))
    assert seen == [1, 2, 3, 4]


@pytest.mark.parametrize("workers", [1, 2])
def test_few_items_are_taken_ahead(workers: int) -> None:
    taken = 0

    def endless() -> Iterator[int]:
        nonlocal taken
        while True:
            taken += 1
            yield taken

    results = run_map(square, endless(), workers=workers)
    assert [next(results) for _ in range(10)] == [x * x for x in range(1, 11)]
    assert taken <= 10 + workers * WINDOW
    results.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_carries_its_item(workers: int) -> None:
    results = run_map(fail_at_three, range(6), workers=workers)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(UserError, match="three is not allowed") as caught:
        next(results)
    assert caught.value.__notes__ == ["item: 3"]


def test_a_dead_worker_is_one_clear_error() -> None:
    with pytest.raises(GenreasonError, match="a worker process died"):
        list(run_map(die, range(3), workers=2))


def test_workers_use_one_thread() -> None:
    assert set(run_map(threads, range(2), workers=2)) == {1}
    assert "OMP_NUM_THREADS" not in os.environ or os.environ["OMP_NUM_THREADS"] != ""


def test_unknown_backend() -> None:
    with pytest.raises(UserError, match="did you mean 'processes'"):
        list(run_map(square, [1], backend="process"))


SCRIPT = """
import os, sys, time
from pathlib import Path
from genreason.executor import run_map

def work(x):
    (Path(sys.argv[1]) / str(os.getpid())).touch()
    time.sleep(60)

if __name__ == "__main__":
    list(run_map(work, range(8), workers=2))
"""


def gone(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
    return stat.rpartition(")")[2].split()[0] == "Z"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_no_worker_outlives_its_parent(tmp_path: Path, how: signal.Signals) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    pids = tmp_path / "pids"
    pids.mkdir()
    parent = subprocess.Popen(
        [sys.executable, str(script), str(pids)],
        env={**os.environ, "PYTHONPATH": str(Path(genreason.__file__).parents[1])},
        start_new_session=True,
        stderr=subprocess.DEVNULL,
    )
    wait_for(lambda: len(list(pids.iterdir())) == 2)
    if how == signal.SIGINT:
        os.killpg(parent.pid, how)  # as a terminal does
    else:
        parent.kill()
    parent.wait(timeout=10)
    workers = [int(path.name) for path in pids.iterdir()]
    wait_for(lambda: all(map(gone, workers)))
    assert len(workers) == 2 and all(map(gone, workers))


def wait_for(condition: object, seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
