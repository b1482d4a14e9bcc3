"""Methods that spend several clips on a puzzle: what they hand in, what it costs, going on after a kill."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import tpo_fixture

from genreason import cards, run, tpo
from genreason.cards import GeneratorCard, JudgeCard
from genreason.cli import main
from genreason.formats.dataset import DataSet
from genreason.report import aggregate, write_report
from genreason.tpo import scoring
from genreason.tpo.critics import NoCritic
from genreason.tpo.sampling import BestOfN, SamplingOptions
from genreason.tpo.scoring import Noise
from genreason.tpo.story import Attempt, Shoot, Subject, Take
from genreason.types import Json, UserError


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tpo")
    found = tpo_fixture.data(root / "data")
    tpo_fixture.clips(found, root / "clips")
    return root


def spend(shop: Path, out: Path, name: str = "best-of-n", videos: int = 4, **more: object) -> run.RunFolder:
    settings: Json = more.pop("settings", {})  # type: ignore[assignment]
    budget = run.Budget(videos=videos, **more.pop("budget", {}))  # type: ignore[arg-type]
    return run.optimise(
        tpo.method(name, settings), cards.load(GeneratorCard, "folder"), DataSet.open(shop / "data"), out,
        budget=budget, scorer=cards.load(JudgeCard, "rules"), critic=NoCritic(), settings=settings,
        options={"path": str(shop / "clips")}, **more,
    )  # fmt: skip


def story(root: Path, sample: str) -> tuple[Json, list[Json]]:
    folder = root / "tpo" / sample
    lines = [json.loads(line) for line in (folder / "story.jsonl").read_text().splitlines()]
    return json.loads((folder / "summary.json").read_text()), lines


def test_best_of_n_hands_in_the_clip_that_the_scorer_lets_pass(shop: Path, tmp_path: Path) -> None:
    made = spend(shop, tmp_path / "r")
    for number, instance in enumerate(made.instances()):
        summary, lines = story(made.root, instance.sample_id)
        right = tpo_fixture.names(number).index("oracle")
        assert summary["chosen"] == right and summary["best"][right:] == [right] * (4 - right)
        assert len(lines) == 4 and [line["k"] for line in lines] == [0, 1, 2, 3]
        handed_in = made.clip_path(instance, 0).read_bytes()
        assert handed_in == (made.root / "tpo" / instance.sample_id / f"{right}.mp4").read_bytes()
    assert [line["status"] for line in made.verdicts("rules")] == ["pass"] * 4


def test_a_method_that_may_stop_makes_no_clip_too_many(shop: Path, tmp_path: Path) -> None:
    made = spend(shop, tmp_path / "r", settings={"stop": True})
    for number, instance in enumerate(made.instances()):
        summary, _ = story(made.root, instance.sample_id)
        assert summary["clips"] == tpo_fixture.names(number).index("oracle") + 1


def test_fewer_clips_solve_fewer_puzzles_and_a_folder_may_end(shop: Path, tmp_path: Path) -> None:
    few = spend(shop, tmp_path / "two", videos=2)
    assert sum(line["status"] == "pass" for line in few.verdicts("rules")) == 2
    many = spend(shop, tmp_path / "nine", videos=9)
    assert {story(many.root, i.sample_id)[0]["why"] for i in many.instances()} == {"no more clips"}


def test_killed_or_not_the_story_is_the_same(shop: Path, tmp_path: Path) -> None:
    whole = spend(shop, tmp_path / "whole")
    first = spend(shop, tmp_path / "parts", videos=2)
    sample = first.instances()[0].sample_id
    journal = first.root / "tpo" / sample / "story.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(lines[0] + lines[1][:40])  # killed while the second line was written
    again = spend(shop, tmp_path / "parts")
    for instance in whole.instances():
        one, other = (story(each.root, instance.sample_id) for each in (whole, again))
        for key in ("chosen", "best", "clips", "why"):
            assert one[0][key] == other[0][key]
        assert [line["seen"] for line in one[1]] == [line["seen"] for line in other[1]]
    assert again.manifest["tpo"]["videos"] == 4
    with pytest.raises(UserError, match="--videos 4 or more"):
        spend(shop, tmp_path / "parts", videos=2)
    with pytest.raises(UserError, match="made with method best-of-n"):
        spend(shop, tmp_path / "parts", "oracle-pick")


def test_seconds_end_a_story_with_the_best_of_what_it_has(shop: Path, tmp_path: Path) -> None:
    made = spend(shop, tmp_path / "r", budget={"seconds": 1e-6})
    for instance in made.instances():
        summary, _ = story(made.root, instance.sample_id)
        assert summary["clips"] == 1 and summary["chosen"] == 0 and "used up" in summary["why"]


def test_a_scorer_that_errs_misleads_but_the_oracle_bounds_it(shop: Path, tmp_path: Path) -> None:
    noisy = spend(shop, tmp_path / "noisy", noise=Noise(accept=0.9, reject=0.9))
    bound = spend(shop, tmp_path / "bound", "oracle-pick", noise=Noise(accept=0.9, reject=0.9))
    passes = [sum(line["status"] == "pass" for line in each.verdicts("rules")) for each in (noisy, bound)]
    assert passes[0] < passes[1] == 4
    _, lines = story(noisy.root, noisy.instances()[0].sample_id)
    assert any(line["seen"]["status"] != line["truth"]["status"] for line in lines)


def test_noise_has_the_rates_that_were_asked_for() -> None:
    from genreason.types import Clip, Verdict

    instance = cards_instance()
    checks = {"rules.legal": 1.0, "rules.goal": 1.0}
    right = Verdict(status="pass", score=1.0, checks=checks, evidence={"frames": 9, "fps": 8.0})
    wrong = Verdict(status="fail", score=0.0, checks={**checks, "rules.goal": 0.0})

    class Always:
        def judge(self, instance: object, clips: list[Clip], seed: int) -> list[Verdict]:
            return []

    noisy = scoring.NoisyJudge(Always(), Noise(accept=0.05, reject=0.2), 3)
    turned = [
        sum(noisy.turned(instance, k, each) != each for k in range(4000)) / 4000 for each in (wrong, right)
    ]
    assert turned[0] == pytest.approx(0.05, abs=0.012) and turned[1] == pytest.approx(0.2, abs=0.02)
    assert not scoring.parse_noise(None) and scoring.parse_noise("0.1") == Noise(accept=0.1, reject=0.1)


def cards_instance():
    from genreason.task import Task

    return Task("maze", "easy", "test")[0]


def test_the_report_has_curves_pairs_and_a_story(shop: Path, tmp_path: Path) -> None:
    roots = [tmp_path / name for name in ("a", "b", "c")]
    spend(shop, roots[0])
    spend(shop, roots[1], seed=1)  # of a folder of clips, the same: two seeds of one method
    spend(shop, roots[2], "oracle-pick")
    found = aggregate(roots)["methods"]
    best, bound = found["methods"]
    assert (best["label"], best["n"], best["puzzles"], best["seeds"]) == ("best-of-n", 8, 4, 2)
    assert [point["mean"] for point in best["clips"]] == [0.25, 0.5, 0.75, 1.0]
    assert best["pass_at_k"]["1"]["mean"] == 0.25 and best["pass_at_k"]["4"]["mean"] == 1.0
    means = [point["mean"] for point in best["seconds"]]
    assert means == sorted(means) and all(0 <= p["low"] <= p["high"] <= 1 for p in best["seconds"])
    (pair,) = found["pairs"]
    assert pair["n"] == 4 and pair["clips"]["mean"] == 0.0 and pair["clips"]["p"] == 1.0
    assert best["cost"]["clips"] == 4 and best["first"]["mean"] == bound["first"]["mean"] == 0.25
    page = write_report(roots, tmp_path / "out").read_text()
    assert 'id="methods"' in page and "One story" in page and page.count('class="curve wide"') == 2
    assert aggregate([roots[0]])["methods"]["pairs"] == []


def test_methods_are_named_by_what_tells_them_apart(shop: Path, tmp_path: Path) -> None:
    roots = [tmp_path / name for name in ("a", "b", "c")]
    spend(shop, roots[0])
    spend(shop, roots[1], settings={"stop": True})
    spend(shop, roots[2])
    path = roots[2] / "manifest.json"
    path.write_text(path.read_text().replace(f'"{shop / "clips"}"', '"elsewhere"'))
    labels = [each["label"] for each in aggregate(roots)["methods"]["methods"]]
    assert labels == ["best-of-n", "best-of-n, stop=true", "best-of-n, path=elsewhere"]


def test_from_the_command_line(shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["tpo", "best-of-n", "folder", "-o", f"path={shop / 'clips'}", "--data", str(shop / "data")]
    with pytest.raises(SystemExit) as stop:
        main([*command, "--out", str(tmp_path / "r"), "--videos", "2", "-o", "method.stop=true", "--json"])
    assert stop.value.code == 0
    assert json.loads(capsys.readouterr().out)["runs"][0]["n"] == 4
    shutil.rmtree(tmp_path / "r")
    for extra, wanted in (
        (["-o", "method.stopp=true"], "did you mean 'stop'"),
        (["--noise", "lots"], "--noise lots"),
        (["--scorer", "rule"], "did you mean 'rules'"),
    ):
        with pytest.raises(SystemExit) as stop:
            main([*command, "--out", str(tmp_path / "r"), *extra])
        assert stop.value.code == 2 and wanted in capsys.readouterr().err
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize(("sides", "rethinks"), [(8, True), (1, True), (8, False)])
def test_best_of_n_may_look_from_every_side(shop: Path, sides: int, rethinks: bool) -> None:
    instance = DataSet.open(shop / "data").instances[0]
    method = BestOfN(SamplingOptions(views=True, width=3))
    told = method.story(Subject(instance=instance, videos=8, rethinks=rethinks, views=sides))
    takes: list[Take] = []
    step = next(told)
    with pytest.raises(StopIteration):
        while True:
            assert isinstance(step, Shoot) and (takes or len(step.takes) == 1)
            failed = {"status": "fail"}
            new = [
                Attempt(k=take.seed, take=take, path=Path(), seen=failed, truth=failed, value=0.0)
                for take in step.takes
            ]
            takes += step.takes
            step = told.send(new)
    assert [take.seed for take in takes] == list(range(8))
    assert len({take.view for take in takes}) == (8 if sides == 8 and rethinks else 1)
    assert all((take.base, take.chunk) == (0, 1) for take in takes if take.view)
    assert method.rethinks and not BestOfN(SamplingOptions()).rethinks
