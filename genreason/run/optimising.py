"""Test-time optimisation of a data set: many stories at once, clips in batches, everything in a journal.

    RUN/clips/{sample}/0.mp4          the clip that is handed in: the run's answer, graded as any run's
    RUN/tpo/{sample}/story.jsonl      every clip and every call, as they came
    RUN/tpo/{sample}/{k}.mp4          every clip that was made

A run that was killed is told again from its journals, and goes on where they end.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from genreason import cards
from genreason import judge as judges
from genreason.cards import GeneratorCard, JudgeCard
from genreason.formats.dataset import DataSet
from genreason.run import files
from genreason.run.folder import Progress, RunFolder
from genreason.run.judging import judge
from genreason.run.takes import Grading, Job, Made, Studio
from genreason.tpo import scoring
from genreason.tpo.critics import Critic
from genreason.tpo.scoring import Noise
from genreason.tpo.story import Attempt, Consult, Finished, Method, Shoot, Step, Story, Subject, Take
from genreason.types import SCHEMA, Instance, Json, UserError

_GROWS = ("videos", "seconds", "tokens")  # of a run that goes on


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What one puzzle may take: clips, seconds (making, grading and asking together), tokens of its critic.

    What is being made when seconds or tokens run out is still counted and used.
    """

    videos: int
    seconds: float | None = None
    tokens: int | None = None


@dataclass(slots=True)
class _Live:
    """A story that is being told."""

    subject: Subject
    folder: Path
    story: Story
    step: Step | None = None
    end: Finished | None = None
    attempts: list[Attempt] = field(default_factory=list)
    clips: dict[int, Json] = field(default_factory=dict)
    consults: list[Json] = field(default_factory=list)
    asked: int = 0
    seconds: float = 0.0
    tokens: int = 0
    cut: bool = False

    @property
    def journal(self) -> Path:
        return self.folder / "story.jsonl"

    def go_on(self, answer: Any) -> None:
        """Tell the story its answer (None at the beginning)."""
        try:
            self.step = self.story.send(answer)
        except StopIteration as stop:
            self.step, self.end = None, stop.value

    def spent(self, budget: Budget) -> str:
        """Which part of the budget is used up; "" where none is."""
        if budget.seconds is not None and self.seconds >= budget.seconds:
            return f"{budget.seconds:g} seconds are used up"
        if budget.tokens is not None and self.tokens >= budget.tokens:
            return f"{budget.tokens} tokens are used up"
        return ""


def optimise(
    method: Method,
    card: GeneratorCard,
    data: DataSet,
    root: Path,
    *,
    budget: Budget,
    scorer: JudgeCard,
    critic: Critic,
    settings: Json | None = None,
    options: Json | None = None,
    noise: Noise | None = None,
    seed: int = 0,
    workers: int = 1,
    progress: Progress | None = None,
) -> RunFolder:
    """Spend clips on every puzzle of a data set, and hand in one for each.

    Args:
        method: how.
        card: the generator.
        data: the puzzles.
        root: the run folder; a run of the same method, generator and seed goes on.
        budget: of a puzzle; a later call may give more.
        scorer: the judge that the method sees, its options merged.
        critic: who is consulted.
        settings: of the method, for the manifest.
        options: over the generator card's.
        noise: of the scorer, on purpose.
        seed: of the run.
        workers: processes that grade.
        progress: told after each finished puzzle.

    Raises:
        UserError: an option is wrong, or the folder holds another run.
        GenreasonError: the disk is full, or the generator failed.
    """
    if budget.videos < 1:
        raise UserError(f"videos is {budget.videos}: ask for 1 or more")
    merged = cards.with_options(card, options or {})
    noise = noise or Noise()
    studio = Studio(
        card, merged, root, seed, method.rethinks, method.drafts
    )  # a wrong option shows before anything is written
    ledger = root / "ledgers" / f"{scorer.name}.jsonl"
    judges.make_ready(judges.load(scorer, scorer.options, ledger))
    truth = cards.load(JudgeCard, "rules") if all(i.scene.get("puzzle") for i in data.instances) else None
    how = Grading(scorer, truth, noise, seed, workers, ledger)
    described = {
        "method": method.name, "settings": settings or {}, "tells": method.tells,
        "critic": critic.identity if method.critic else None,
        "scorer": {"name": scorer.name, "options": scorer.options},
        "truth": None if truth is None else truth.name, "noise": noise.model_dump(),
        "videos": budget.videos, "seconds": budget.seconds, "tokens": budget.tokens,
    }  # fmt: skip
    header = {
        "name": method.name, "seed": seed, "samples": 1, "profile": "preview", "tpo": described,
        "generator": {"name": card.name, "kind": card.kind, "expect": None, "options": merged},
        "cards": {f"generators/{card.name}": card.hash, f"judges/{scorer.name}": scorer.hash},
    }  # fmt: skip
    with files.disk(root):
        run = RunFolder.open_or_create(root, data, header)
        _same(run, described)
        files.clear_parts(root, "clips/*")
        files.clear_parts(root, "tpo/*")
        _Stage(run, method, studio, how, critic, budget).run(data.instances, progress)
    judge(truth or scorer, run, options={}, seed=seed, workers=workers, progress=progress)
    return run


def _same(run: RunFolder, described: Json) -> None:
    """Refuse a run of another method; note a larger budget."""
    before = run.manifest.get("tpo")
    if before is None:
        raise UserError(f"{run.root} is a run without a method: give another --out")
    for name, new in described.items():
        if name not in _GROWS and before.get(name) != new:
            raise UserError(
                f"{run.root} was made with {name} {before.get(name)}, not {new}: give another --out"
            )
    if described["videos"] < before["videos"]:
        raise UserError(
            f"{run.root} has {before['videos']} videos a puzzle: give --videos {before['videos']} or more"
        )
    if before != described:
        run.update(tpo=described)


class _Stage:
    """The loop: stories in step, their clips made together."""

    def __init__(
        self, run: RunFolder, method: Method, studio: Studio, how: Grading, critic: Critic, budget: Budget
    ) -> None:
        self.run_folder, self.method, self.studio, self.how = run, method, studio, how
        self.critic, self.budget = critic, budget
        self.most = max(2 * studio.card.batch, 4)  # stories at once: batches stay full when some end early

    def run(self, instances: Sequence[Instance], progress: Progress | None) -> None:
        waiting, live, done = list(instances), list[_Live](), 0
        while waiting or live:
            while waiting and len(live) < self.most:
                live.append(self._begin(waiting.pop(0)))
            self._ask(live)
            self._shoot([each for each in live if isinstance(each.step, Shoot)])
            for each in [each for each in live if each.end is not None]:
                self._hand_in(each)
                live.remove(each)
                done += 1
                if progress is not None:
                    progress(f"tpo ({self.method.name})", done, len(instances))

    def _begin(self, instance: Instance) -> _Live:
        folder = self.run_folder.root / "tpo" / instance.sample_id
        folder.mkdir(parents=True, exist_ok=True)
        subject = Subject(instance=instance, videos=self.budget.videos, rethinks=self.studio.rethinks,
                          views=self.studio.views)  # fmt: skip
        found = _Live(subject, folder, self.method.story(subject))
        events = list(files.read_lines(found.journal))
        if found.journal.is_file():
            files.keep_lines(found.journal, events)  # without a line that was cut off
        found.clips = {each["k"]: each for each in events if each["event"] == "clip"}
        found.consults = [each for each in events if each["event"] == "consult"]
        found.go_on(None)
        return found

    # -- the critic ------------------------------------------------------------------------------------------
    def _ask(self, live: Sequence[_Live]) -> None:
        """Answer questions until every story wants clips, or has ended."""
        while asking := [each for each in live if isinstance(each.step, Consult)]:
            for each in asking:
                if each.asked < len(each.consults):
                    self._answered(each, each.consults[each.asked])
            fresh = [
                each for each in asking if isinstance(each.step, Consult) and each.asked == len(each.consults)
            ]
            stopped = [each for each in fresh if each.spent(self.budget)]
            for each in stopped:
                self._stop(each)
            fresh = [each for each in fresh if each not in stopped]
            pairs = [(each.subject.instance, each.step) for each in fresh if isinstance(each.step, Consult)]
            for each, found in zip(fresh, self.critic.answer(pairs), strict=True):
                assert isinstance(each.step, Consult)
                event = {
                    "event": "consult", "role": each.step.role,
                    "attempts": [attempt.k for attempt in each.step.attempts], **found,
                }  # fmt: skip
                files.append(each.journal, event)
                each.consults.append(event)
                self._answered(each, event)

    def _answered(self, live: _Live, event: Json) -> None:
        live.asked += 1
        live.seconds += event["seconds"]
        live.tokens += event["tokens"]
        live.go_on(event["answer"])

    # -- clips -----------------------------------------------------------------------------------------------
    def _shoot(self, live: Sequence[_Live]) -> None:
        """Make the clips that stories wait for, and let them go on."""
        jobs: list[Job] = []
        for each in live:
            assert isinstance(each.step, Shoot)
            fresh = self._jobs(each, each.step.takes)
            if fresh and each.spent(self.budget):
                self._stop(each)
            else:
                jobs += fresh
        by_folder = {each.folder: each for each in live}
        made = list(self.studio.make(jobs))
        for one, (seen, truth, seconds) in zip(made, self.how.grade(made), strict=True):
            self._note(by_folder[one.job.path.parent], one, seen, truth, seconds)
        for each in live:
            if isinstance(each.step, Shoot):
                self._shown(each, each.step.takes)

    def _jobs(self, live: _Live, takes: Sequence[Take]) -> list[Job]:
        """The takes that are not in the journal."""
        found = []
        for k, take in enumerate(takes, start=len(live.attempts)):
            known = live.clips.get(k)
            if known is None:
                base = None if take.base is None else live.attempts[take.base]
                found.append(Job(live.subject.instance, take, k, live.folder / f"{k}.mp4", base))
            elif Take.from_json(known["take"]) != take:
                raise UserError(
                    f"{live.journal}: clip {k} was asked for otherwise, by another version or other options: "
                    f"delete {live.folder} to tell this puzzle anew"
                )
        return found

    def _note(self, live: _Live, made: Made, seen: Json, truth: Json, seconds: float) -> None:
        event = {
            "event": "clip", "k": made.job.k, "take": made.job.take.to_json(), "seen": seen, "truth": truth,
            "value": scoring.value(seen), "text": list(made.text),
            "chunks": made.chunks, "memory": made.memory, "making": round(made.seconds, 4),
            "judging": round(seconds, 4), "cpu": round(made.cpu, 4),
        }  # fmt: skip
        files.append(live.journal, event)
        live.clips[made.job.k] = event

    def _shown(self, live: _Live, takes: Sequence[Take]) -> None:
        new = []
        for k, take in enumerate(takes, start=len(live.attempts)):
            event = live.clips.get(k)
            if event is None:
                break
            attempt = Attempt(
                k=k, take=take, path=live.folder / f"{k}.mp4", seen=event["seen"], truth=event["truth"],
                value=event["value"], text=tuple(event["text"]),
                chunks=event["chunks"], memory=event["memory"], making=event["making"],
                judging=event["judging"], cpu=event["cpu"],
            )  # fmt: skip
            new.append(attempt)
            live.seconds += attempt.seconds
        live.attempts += new
        live.go_on(new)

    def _stop(self, live: _Live) -> None:
        """End a story whose budget is used up, with the best of what it has."""
        live.story.close()
        why = live.spent(self.budget)
        live.step, live.end = None, Finished(self.method.best(live.attempts), why)

    # -- the end ---------------------------------------------------------------------------------------------
    def _hand_in(self, live: _Live) -> None:
        """Put the chosen clip where a run's answers lie, and write the story's summary."""
        assert live.end is not None
        instance, chosen = live.subject.instance, live.end.chosen
        best = [self.method.best(live.attempts[: n + 1]) for n in range(len(live.attempts))]
        record = {
            "schema": SCHEMA, "sample": instance.sample_id, "key": instance.key, "chosen": chosen,
            "why": live.end.why, "best": best, "clips": len(live.attempts),
            "seconds": round(live.seconds, 4), "tokens": live.tokens,
        }  # fmt: skip
        path = self.run_folder.clip_path(instance, 0)
        path.parent.mkdir(parents=True, exist_ok=True)
        if chosen is not None:
            partial = path.with_name(f".{path.name}.part")
            shutil.copyfile(live.attempts[chosen].path, partial)
            partial.replace(path)
            files.write_json(path.with_suffix(".json"), {**record, "k": 0})
        files.write_json(live.folder / "summary.json", record)
