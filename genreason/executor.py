"""The one place where work is spread: every map over samples goes through `run_map`.

Work is given as a function and its items, so that where it runs changes nothing: results come in the order of
the items, and are the same serially and in parallel.
"""

from __future__ import annotations

import collections
import contextlib
import itertools
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Literal, TypeVar

from genreason.types import GenreasonError, unknown

T = TypeVar("T")
R = TypeVar("R")
Backend = Literal["auto", "serial", "processes", "threads"]
BACKENDS = ("auto", "serial", "processes", "threads")
WINDOW = 16  # items in flight per worker: enough to hide a slow one, few enough to keep memory flat
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OPENCV_FOR_THREADS_NUM")


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_map(
    fn: Callable[[T], R],
    items: Iterable[T],
    *,
    workers: int = 1,
    backend: str = "auto",
    progress: Callable[[int], None] | None = None,
) -> Iterator[R]:
    """Yield `fn(item)` for every item, in order.

    Args:
        fn: for processes it must be importable there: a module's function, or a `functools.partial` of one.
        items: taken one by one as there is room; an endless iterable is fine.
        workers: processes to spread over; 0 takes one for each core.
        backend: "serial", "processes", or "threads" for work that waits for others (endpoints) rather than
            computes; "auto" is serial for one worker and else takes processes.
        progress: called with the number of results so far after each one.

    Raises:
        UserError: no such backend.
        GenreasonError: a worker died (out of memory, killed).
        Whatever `fn` raised, with a note that names the item.
    """
    if backend not in BACKENDS:
        raise unknown("backend", backend, BACKENDS)
    workers = workers if workers > 0 else cores()
    serial = backend == "serial" or (backend == "auto" and workers == 1)
    spread = _threads if backend == "threads" else _processes
    results = _serial(fn, items) if serial else spread(fn, items, workers)
    return _counted(results, progress)


def _counted(results: Iterator[R], progress: Callable[[int], None] | None) -> Iterator[R]:
    for done, result in enumerate(results, start=1):
        if progress is not None:
            progress(done)
        yield result


def _serial(fn: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    for item in items:
        with _Named(item):
            result = fn(item)
        yield result


def _processes(fn: Callable[[T], R], items: Iterable[T], workers: int) -> Iterator[R]:
    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
    if context.get_start_method() == "forkserver":
        # The server loads the function's module once; the workers of this and later maps are forked from it.
        multiprocessing.set_forkserver_preload(["__main__", getattr(fn, "func", fn).__module__])
    queue: collections.deque[tuple[T, Future[R]]] = collections.deque()
    source = iter(items)
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker)
    try:
        with _one_thread_each():
            for item in itertools.islice(source, workers * WINDOW):
                queue.append((item, pool.submit(fn, item)))
        while queue:
            item, future = queue.popleft()
            with _Named(item), _alive():
                result = future.result()
            for new in itertools.islice(source, 1):
                with _alive():
                    queue.append((new, pool.submit(fn, new)))
            yield result
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _threads(fn: Callable[[T], R], items: Iterable[T], workers: int) -> Iterator[R]:
    queue: collections.deque[tuple[T, Future[R]]] = collections.deque()
    source = iter(items)
    pool = ThreadPoolExecutor(workers, thread_name_prefix="genreason")
    try:
        for item in itertools.islice(source, workers * WINDOW):
            queue.append((item, pool.submit(fn, item)))
        while queue:
            item, future = queue.popleft()
            with _Named(item):
                result = future.result()
            for new in itertools.islice(source, 1):
                queue.append((new, pool.submit(fn, new)))
            yield result
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextlib.contextmanager
def _alive() -> Iterator[None]:
    """Says in plain words that a worker died."""
    try:
        yield
    except BrokenProcessPool as error:
        raise GenreasonError(
            "a worker process died (out of memory, or killed): run it again to go on, with fewer --workers"
        ) from error


class _Named:
    """Lets an error say which item it came from."""

    def __init__(self, item: object) -> None:
        self.item = item

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Exception):
            error.add_note(f"item: {_label(self.item)}")


def _label(item: object) -> str:
    """A short name of an item: the samples in it, where there are some."""
    parts = item if isinstance(item, tuple) else (item,)
    inner = [each for part in parts for each in (part if isinstance(part, tuple) else (part,))]
    samples = [each.sample_id for each in inner if hasattr(each, "sample_id")]
    label = ", ".join(samples) or repr(item)
    return label if len(label) <= 120 else label[:120] + "..."


@contextlib.contextmanager
def _one_thread_each() -> Iterator[None]:
    """Libraries read these variables when a worker loads them, before any initializer could set them."""
    before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    os.environ.update({name: "1" for name in THREAD_VARIABLES})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _start_worker() -> None:
    """Prepare a worker: one thread, silent on Ctrl-C, gone when the parent is."""
    # Ctrl-C reaches the whole process group: the worker just ends, as files are written atomically.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: multiprocessing.process.BaseProcess) -> None:
    parent.join()  # returns only when the parent is dead, killed for instance: workers must not write on
    os._exit(1)
