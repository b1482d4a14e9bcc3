"""Small clips with known truth, and judges that ask a scripted server."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scripted_server import Script, ScriptedServer, picture_hash

from genreason import cards, video
from genreason import judge as registry
from genreason.cards import JudgeCard
from genreason.generate.oracle import solution_clip
from genreason.judge.asked import AskingJudge
from genreason.judge.calibration import Case
from genreason.task import Task
from genreason.types import Clip, Instance, Json

SIZE = (112, 112)


def maze(index: int = 0, level: str = "easy", **options: Any) -> Instance:
    return Task("maze", level, "any", options.pop("style", "classic"), size=SIZE)[index]


def clip_of(instance: Instance, folder: Path) -> Clip:
    path = folder / f"{instance.sample_id}-{instance.key[:6]}.mp4"
    if not path.is_file():
        made = solution_clip(instance)
        video.write(path, video.frames(made), made.fps)
    return Clip(path=path)


def options(server: ScriptedServer | None = None, **more: object) -> Json:
    found: Json = {
        "backend.base_url": server.url if server else "http://127.0.0.1:9/v1",
        "backend.model": "scripted",
        "frames.stamp": False,
        "frames.uniform": 4,
        "frames.changes": 0,
        "frames.side_min": None,
        "limits.wait": 0.01,
        "limits.concurrency": 4,
    }
    return {**found, **{key.replace("__", "."): value for key, value in more.items()}}


def judge(name: str, server: ScriptedServer | None, journal: Path | None = None, **more: object) -> Any:
    card = cards.load(JudgeCard, name)
    return registry.load(card, cards.with_options(card, options(server, **more)), journal)


def teach(script: Script, grader: AskingJudge, cases: Sequence[Case]) -> None:
    """Tell the server the truth about the pictures that the judge will show it."""
    for case in cases:
        shown = grader.footage(case.clip).shown(grader.plan().most)
        key = frozenset(picture_hash(picture.url) for picture in shown.pictures)
        assert script.truth.get(key, case.truth) == case.truth, (
            f"{case.control} shows what another clip shows"
        )
        script.truth[key] = case.truth
