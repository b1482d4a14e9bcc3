"""`genreason demo`: every stage on a few puzzles, with answers that are right and answers that cheat."""

from __future__ import annotations

import shutil
from pathlib import Path

from genreason import cards, run, watching
from genreason.formats.dataset import DataSet
from genreason.report.html import write_report
from genreason.run.folder import Progress

SUITE = "demo"
GENERATORS = (
    "oracle", "other_solution", "recode28",
    "still", "noise", "through_wall", "teleport", "goal_moved", "zoom",
)  # fmt: skip
# The floors are among the answers here, so they are not measured again.


def run_demo(out: Path, *, workers: int = 1, progress: Progress | None = None) -> tuple[list[Path], Path]:
    """Make puzzles, let generators and a folder of clips answer, judge all, write one report.

    The model that ships is among them where its weights are.

    A second call goes on where the first ended.

    Returns:
        The run folders, and the report's page.
    """
    grader = cards.load(cards.JudgeCard, "rules")
    data = run.make(cards.load(cards.SuiteCard, SUITE), out / "data", workers=workers, progress=progress)
    made = []
    for name in GENERATORS:
        card = cards.load(cards.GeneratorCard, name)
        made.append(run.generate(card, data, out / "runs" / name, workers=workers))
        if progress is not None:
            progress("answer", len(data) * len(made), len(data) * len(GENERATORS))
    made.append(run.attach(data, _clips(data, out / "clips"), out / "runs" / "folder"))
    if (own := watching.model()) is not None:
        made.append(run.generate(own, watching.unseen(out / "unseen"), out / "runs" / own.name))
    for done, folder in enumerate(made, start=1):
        run.judge(grader, folder, workers=workers)
        run.add_gate(folder, DataSet.open(folder.data_root))
        if progress is not None:
            progress("judge", len(data) * done, len(data) * len(made))
    roots = [folder.root for folder in made]
    return roots, write_report(roots, out)


def _clips(data: DataSet, folder: Path) -> Path:
    """A folder as others might hand it in: some clips are right, one is broken, one missing, one unknown."""
    folder.mkdir(parents=True, exist_ok=True)
    *right, broken, _missing = data.instances
    for instance in right:
        shutil.copyfile(data.folder(instance) / "ground_truth.mp4", folder / f"{instance.sample_id}.mp4")
    content = (data.folder(broken) / "ground_truth.mp4").read_bytes()
    (folder / f"{broken.sample_id}.mp4").write_bytes(content[: len(content) // 3])
    shutil.copyfile(data.folder(right[0]) / "ground_truth.mp4", folder / "holiday.mp4")
    return folder
