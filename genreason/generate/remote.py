"""Video services over HTTP: jobs that are submitted, polled and downloaded, within a budget.

    JOURNAL/jobs.jsonl      a line for each job submitted, done or failed
    JOURNAL/{request}.mp4   what was downloaded

A run that was killed goes on with the jobs that it had submitted.
"""

from __future__ import annotations

import random
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, TypeVar

import cv2
import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from genreason import seeds, video
from genreason.formats import files
from genreason.generate.fitting import Fit, Limits, Mode, fit
from genreason.judge.limiter import Limiter
from genreason.types import Clip, Frame, GenreasonError, Json, Request, UnreadableClipError, UserError

R = TypeVar("R")
Opts = TypeVar("Opts", bound="RemoteOptions")
LARGEST_WAIT = 120.0  # seconds between two tries


class Price(BaseModel):
    """What a clip costs: so much each, and so much a second of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    clip: float = Field(0.0, ge=0)
    second: float = Field(0.0, ge=0)


class Budget(BaseModel):
    """What may be spent in a run; a clip that could exceed it is not asked for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    money: float | None = Field(None, ge=0)
    clips: int | None = Field(None, ge=0)


class RemoteOptions(BaseModel):
    """Options that all services share.

    Attributes:
        model: name of the model at the service.
        base_url: of the service.
        key_env: environment variable that holds the key.
        width: of the picture that is sent.
        height: of the picture that is sent.
        fit: how a first frame of another size is brought there.
        seconds: length of the clips.
        concurrency: most jobs at once.
        timeout: seconds for one HTTP call.
        wait: seconds for one job.
        poll: seconds between two looks at a job.
        retries: tries after the first, of calls that may succeed later (429, 5xx, no answer).
        price: of a clip.
        budget: of a run.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    model: str
    base_url: str | None = None
    key_env: str | None = None
    width: int = Field(ge=16)
    height: int = Field(ge=16)
    fit: Mode = "letterbox"
    seconds: float = Field(gt=0)
    concurrency: int = Field(4, ge=1)
    timeout: float = Field(60.0, gt=0)
    wait: float = Field(1800.0, gt=0)
    poll: float = Field(5.0, gt=0)
    retries: int = Field(5, ge=0)
    price: Price = Price()
    budget: Budget = Budget()

    @property
    def cost(self) -> float:
        """Of a clip."""
        return self.price.clip + self.price.second * self.seconds


def parse(model: type[Opts], options: Json, name: str) -> Opts:
    """Check the options of a card.

    Raises:
        UserError: one is wrong.
    """
    try:
        return model(**options)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise UserError(f"generator {name}: option {where}: {first['msg']}") from None


class BusyError(GenreasonError):
    """A call that may succeed later. `lost`: whether it may have been carried out all the same."""

    def __init__(
        self, why: str, retry_after: float | None = None, throttled: bool = False, lost: bool = False
    ):
        """`retry_after` in seconds, as the service asks."""
        super().__init__(why)
        self.retry_after, self.throttled, self.lost = retry_after, throttled, lost


class RefusedError(GenreasonError):
    """The service will not answer this request."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is sent: the picture as PNG, the prompt, and a seed where the service takes one.

    `key` is the same for the same request, for services that know idempotency keys.
    """

    key: str
    prompt: str
    png: bytes
    size: tuple[int, int]
    seed: int


@dataclass(frozen=True, slots=True)
class State:
    """How a job stands; `reason` where it failed, `url` where the service says where its clip is."""

    status: Literal["waiting", "done", "failed"]
    reason: str = ""
    url: str | None = None


class Service(Protocol):
    """One HTTP call each. They raise BusyError, RefusedError, and UserError for what no retry mends."""

    def submit(self, asked: Asked) -> str:
        """The new job's name."""
        ...

    def poll(self, job: str) -> State:
        """How it stands."""
        ...

    def download(self, job: str, state: State) -> bytes:
        """Its clip."""
        ...


class RemoteGenerator:
    """Answers with the clips of a service."""

    def __init__(self, name: str, options: RemoteOptions, service: Service, journal: Path | None) -> None:
        """Without a journal, nothing is gone on with, and the budget is this object's."""
        self.name, self.options, self.service = name, options, service
        if journal is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="genreason-")  # gone with this object
            journal = Path(self._temporary.name)
        self.folder = journal
        self._limiter = Limiter(options.concurrency)
        self._lock = threading.Lock()

    def generate(self, requests: Sequence[Request], seed: int) -> list[Clip]:
        """One clip a request; a clip of nothing (with the reason) where the service refused.

        Raises:
            GenreasonError: the budget is spent, or the service did not answer; what was finished is kept.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(self.options.concurrency, thread_name_prefix="video") as pool:
            answers = [pool.submit(self._one, request, seed) for request in requests]
            clips, failure = [], None
            for answer in answers:  # all of them: what was paid for is kept whatever happens to the others
                try:
                    clips.append(answer.result())
                except GenreasonError as error:
                    failure = failure or error
        if failure is not None:
            raise failure
        return clips

    def _one(self, request: Request, seed: int) -> Clip:
        asked, plan = self._asked(request, seed)
        path = self.folder / f"{asked.key}.mp4"
        began = time.monotonic()
        job = ""
        if not path.is_file():
            try:
                job = self._submitted(asked)
                self._fetch(job, self._finished(job, asked), path, asked)
            except RefusedError as error:
                return Clip(
                    meta={"model": self.options.model, "failed": str(error), "cost": self.options.cost}
                )
        info = video.probe(path)
        return Clip(
            path=path,
            meta={
                "model": self.options.model,
                "job": job or self._jobs().get(asked.key, ""),
                "seconds": round(time.monotonic() - began, 3),
                "cost": self.options.cost,
                "view": plan.covered((info.width, info.height)).to_json(),
            },
        )

    def _asked(self, request: Request, seed: int) -> tuple[Asked, Fit]:
        height, width = request.first_frame.shape[:2]
        size = self.options.width, self.options.height
        plan = fit((width, height), size, self.options.fit, Limits(multiple=2))
        png = _png(plan.apply(request.first_frame))
        options = self.options
        key = seeds.key(
            "video", options.model, options.base_url, options.seconds, request.prompt, request.instance.key,
            seed, list(plan.size),
        )  # fmt: skip
        number = int.from_bytes(seeds.digest("video", key, size=4)) >> 1
        return Asked(key, request.prompt, png, plan.size, number), plan

    def _submitted(self, asked: Asked) -> str:
        """The request's job: one submitted before, or a new one that the budget allows."""
        job = self._jobs().get(asked.key)
        if job is not None:
            return job

        def submit() -> str:
            with self._lock:  # what is promised is written before it is spent
                self._within_budget()
                self._note("promised", asked, "")
            try:
                job = self.service.submit(asked)
            except BusyError as error:
                self._note("lost" if error.lost else "unpaid", asked, "")
                raise
            except GenreasonError:
                self._note("unpaid", asked, "")
                raise
            self._note("submitted", asked, job)
            return job

        return self._tried("submit", asked, submit)

    def _finished(self, job: str, asked: Asked) -> State:
        end = time.monotonic() + self.options.wait
        while True:
            state = self._tried("poll", asked, lambda: self.service.poll(job))
            if state.status == "done":
                return state
            if state.status == "failed":
                self._note("failed", asked, job)
                raise RefusedError(state.reason or "the service says only that it failed")
            if time.monotonic() > end:
                raise GenreasonError(
                    f"generator {self.name}: job {job} is not done after {self.options.wait:g} s: "
                    "run it again to go on waiting, or raise -o wait=SECONDS"
                )
            time.sleep(self.options.poll)

    def _fetch(self, job: str, state: State, path: Path, asked: Asked) -> None:
        def download() -> None:
            data = self.service.download(job, state)
            try:
                for _ in video.read(data):  # to its end: a download may have been cut off
                    pass
            except UnreadableClipError as error:
                raise BusyError(f"the download is no whole clip ({error})") from None
            part = path.with_name(f".{path.name}.part")
            part.write_bytes(data)
            part.replace(path)

        self._tried("download", asked, download)
        self._note("done", asked, job)

    def _tried(self, what: str, asked: Asked, call: Callable[[], R]) -> R:
        """The call's result, tried again while that may help.

        Raises:
            GenreasonError: it does not.
        """
        for attempt in range(self.options.retries + 1):
            try:
                with self._limiter.slot():
                    found = call()
            except BusyError as error:
                self._limiter.failed(error.throttled, error.retry_after)
                if attempt == self.options.retries:
                    raise GenreasonError(
                        f"generator {self.name}: {what} failed {attempt + 1} times ({error}): what was "
                        "finished and submitted is kept"
                    ) from error
                if error.retry_after is None:
                    jitter = random.Random(f"{asked.key}{attempt}").uniform(0.5, 1.0)
                    time.sleep(min(self.options.poll * 2**attempt, LARGEST_WAIT) * jitter)
            else:
                self._limiter.succeeded()
                return found
        raise AssertionError("unreachable")

    def _note(self, what: str, asked: Asked, job: str) -> None:
        line = {"schema": 1, "what": what, "request": asked.key, "job": job, "cost": self.options.cost}
        files.append(self.folder / "jobs.jsonl", {**line, "time": round(time.time(), 3)})

    def _lines(self) -> list[Json]:
        return list(files.read_lines(self.folder / "jobs.jsonl"))

    def _jobs(self) -> dict[str, str]:
        """Jobs by request that were submitted and have not failed."""
        jobs: dict[str, str] = {}
        for line in self._lines():
            if line["what"] == "submitted":
                jobs[line["request"]] = line["job"]
            elif line["what"] == "failed":
                jobs.pop(line["request"], None)
        return jobs

    def _within_budget(self) -> None:
        """Refuse a job that could exceed the budget; one whose fate is not known counts as paid.

        Raises:
            GenreasonError: it could.
        """
        lines = self._lines()
        count = sum(line["what"] == "promised" for line in lines)
        count -= sum(line["what"] == "unpaid" for line in lines)
        spent = sum(line["cost"] * {"promised": 1, "unpaid": -1}.get(line["what"], 0) for line in lines)
        budget = self.options.budget
        limits = (budget.money, spent + self.options.cost, "money"), (budget.clips, count + 1, "clips")
        for limit, after, unit in limits:
            if limit is not None and after > limit + 1e-9:
                raise GenreasonError(
                    f"generator {self.name}: the budget of {limit:g} {unit} does not allow another clip "
                    f"(spent: {spent:g} money, {count} clips): raise it with -o budget.{unit}=..."
                )


def _png(frame: Frame) -> bytes:
    bgr = cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_RGB2BGR)
    return bytes(cv2.imencode(".png", bgr)[1].tobytes())
