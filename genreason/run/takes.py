"""Clips that methods ask for: made in batches whatever puzzle they are of, and graded."""

from __future__ import annotations

import functools
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genreason import generate as generators
from genreason import judge as judges
from genreason import seeds, video
from genreason.cards import GeneratorCard, JudgeCard
from genreason.executor import run_map
from genreason.formats.dataset import read_picture
from genreason.puzzles import base
from genreason.tpo import scoring
from genreason.tpo.scoring import Noise, NoisyJudge
from genreason.tpo.story import Attempt, Take
from genreason.types import Clip, Frame, Instance, Json, Judge, Request, UnreadableClipError, unscored


@dataclass(frozen=True, slots=True)
class Job:
    """A take of a puzzle, its number, where its clip goes, and the attempt that it goes on from."""

    instance: Instance
    take: Take
    k: int
    path: Path
    base: Attempt | None


@dataclass(frozen=True, slots=True)
class Made:
    """A clip on disk: what the model said, and its share of the batch's wall and processor seconds."""

    job: Job
    text: tuple[str, ...]
    chunks: int
    memory: str
    seconds: float
    cpu: float


class Studio:
    """Makes clips with one generator."""

    def __init__(
        self,
        card: GeneratorCard,
        options: Json,
        root: Path,
        seed: int,
        remember: bool = False,
        drafts: int = 1,
    ) -> None:
        """Load the generator; its weights come with the first clip.

        Args:
            card: the generator's.
            options: its options.
            root: the run folder.
            seed: of the run.
            remember: clips will be gone on from in their middle.
            drafts: most plans that a generator that thinks in words says before it acts.

        Raises:
            UserError: an option is wrong.
        """
        self.card, self.seed = card, seed
        self.generator: Any = generators.load(card, options, root / "jobs")
        if hasattr(self.generator, "remember"):
            self.generator.remember = remember
        if drafts > 1 and hasattr(self.generator, "drafts"):
            self.generator.drafts = drafts

    @property
    def rethinks(self) -> bool:
        """Whether it can go on from the middle of a clip."""
        return hasattr(self.generator, "rethink")

    @property
    def views(self) -> int:
        """Sides that it can look at a puzzle from."""
        return int(getattr(self.generator, "views", 1))

    def make(self, jobs: Sequence[Job]) -> Iterator[Made]:
        """The clips, batch by batch; jobs for which there is no clip (a folder that ends) yield nothing."""
        _ = getattr(self.generator, "pipe", None)  # loading weights is no part of what a clip costs
        for batch in self._batches(jobs):
            wall, cpu = time.perf_counter(), time.process_time()
            clips = self._clips(batch)
            found = [_store(clip, job.path) for clip, job in zip(clips, batch, strict=True)]
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            for job, clip, there in zip(batch, clips, found, strict=True):
                if there:
                    meta = clip.meta
                    text = tuple(str(each) for each in meta.get("text") or ())
                    chunks, memory = int(meta.get("chunks") or 0), str(meta.get("memory") or "")
                    yield Made(job, text, chunks, memory, wall / len(batch), cpu / len(batch))

    def _batches(self, jobs: Sequence[Job]) -> Iterator[list[Job]]:
        """Jobs that can be answered in one call: fresh or not, and of one seed where a call has only one."""
        groups: dict[tuple[bool, int], list[Job]] = {}
        for job in jobs:
            own = 0 if hasattr(self.generator, "generate_each") else job.take.seed
            groups.setdefault((job.base is not None, own), []).append(job)
        for group in groups.values():
            group.sort(key=lambda job: job.take.chunk)  # a batch lasts as long as its longest: like with like
            for start in range(0, len(group), self.card.batch):
                yield group[start : start + self.card.batch]

    def _clips(self, batch: Sequence[Job]) -> list[Clip]:
        requests = [Request(instance=j.instance, first_frame=_picture(j.instance), prompt=j.take.prompt)
                    for j in batch]  # fmt: skip
        noise = [self._noise(job.take.seed) for job in batch]
        if batch[0].base is not None:
            found: list[Clip] = self.generator.rethink(requests, noise, [_beginning(job) for job in batch])
        elif hasattr(self.generator, "generate_each"):
            found = self.generator.generate_each(requests, noise)
        else:
            found = self.generator.generate(requests, noise[0])
        return found

    def _noise(self, number: int) -> int:
        """A folder is asked for its clips by number, a model for noise by seed."""
        if self.card.kind == "folder":
            return number
        return int.from_bytes(seeds.digest("tpo", self.seed, number, size=4))


def _beginning(job: Job) -> Json:
    """What a generator that re-thinks is told of the clip that it goes on from."""
    assert job.base is not None
    take = job.take
    # What a generator remembers is of the side that it saw.
    memory = job.base.memory if job.base.take.view == take.view else ""
    return {"clip": Clip(path=job.base.path), "text": job.base.text, "chunk": take.chunk, "said": take.said,
            "banned": take.banned, "memory": memory, "view": take.view}  # fmt: skip


def _picture(instance: Instance) -> Frame:
    if instance.scene.get("puzzle") is None and instance.first_frame is not None:
        return read_picture(instance.first_frame)
    return base.load(instance.scene["puzzle"]).picture(instance)


def _store(clip: Clip, path: Path) -> bool:
    """Write a clip to its place; says whether there is one."""
    if clip.path is None and clip.render is None:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    if clip.path is None or clip.path.suffix != path.suffix:
        video.write(path, video.frames(clip), video.fps(clip), "preview")
        return True
    if not clip.path.is_file():
        return False
    partial = path.with_name(f".{path.name}.part")
    shutil.copyfile(clip.path, partial)
    partial.replace(path)
    return True


# -- grading -------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Grading:
    """Who grades, and how it errs.

    Attributes:
        scorer: the judge that the method sees, with the options merged into the card.
        truth: the judge of what is true; None where the scorer's word is all there is.
        noise: of the scorer, on purpose.
        seed: of noise and of judges that draw.
        workers: processes.
        journal: ledger of a scorer that costs something.
    """

    scorer: JudgeCard
    truth: JudgeCard | None
    noise: Noise
    seed: int
    workers: int
    journal: Path

    def grade(self, made: Sequence[Made]) -> Iterator[tuple[Json, Json, float]]:
        """What the scorer says of each clip, what is true, and the seconds that scoring took."""
        scorer = _judge(self.scorer.model_dump_json(), str(self.journal))
        items = [(each.job.instance, each.job.path, each.job.k) for each in made]
        fn = functools.partial(_graded, self)
        threads = int(getattr(scorer, "threads", 0))
        if threads:
            return run_map(fn, items, workers=threads, backend="threads")
        return run_map(fn, items, workers=self.workers if len(items) > 1 else 1)


@functools.lru_cache(maxsize=4)
def _judge(text: str, journal: str) -> Judge:
    card = JudgeCard.model_validate_json(text)
    return judges.load(card, card.options, Path(journal))


def _graded(how: Grading, item: tuple[Instance, Path, int]) -> tuple[Json, Json, float]:
    instance, path, k = item
    start = time.perf_counter()
    scorer = _judge(how.scorer.model_dump_json(), str(how.journal))
    try:
        verdict = scoring.grade(scorer, instance, Clip(path=path), how.seed)
    except UnreadableClipError as error:
        verdict = unscored(str(error))
    seconds = time.perf_counter() - start
    truth = verdict
    if how.truth is not None and how.truth != how.scorer:
        truth = scoring.grade(_judge(how.truth.model_dump_json(), ""), instance, Clip(path=path), 0)
    if how.noise:
        verdict = NoisyJudge(scorer, how.noise, how.seed).turned(instance, k, verdict)
    return scoring.kept(verdict), scoring.kept(truth), seconds
