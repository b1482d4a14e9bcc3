"""The benchmark's rows: they name what was measured and hold figures; no time is tested."""

import itertools

import pytest

from genreason import bench, cards
from genreason.bench import alltasks, baselines, judging, machine, making
from genreason.cards import TaskCard
from genreason.task import Task
from genreason.types import UserError


def test_first_rows_of_the_areas_have_figures():
    for rows in (judging.judged(), judging.scored(), making.made()):
        row = next(rows)
        assert all(value > 0 for value in row.values() if not isinstance(value, str))


def test_a_task_is_measured_over_its_levels():
    row = alltasks._measured("n_queens")
    assert row["task"] == "n_queens" and all(row[key] > 0 for key in row if key != "task")


def test_clips_are_of_the_length_that_is_asked_for():
    instance = Task("maze", "easy", split="any", size=(128, 128))[0]
    assert len(judging.clip_of(instance, 33)) == 33


def test_baselines_name_tasks_and_levels_that_exist():
    for name, level in itertools.chain(baselines.SAVES, ((s.task, s.level) for s in baselines.SCORINGS)):
        assert level in cards.load(TaskCard, name).levels


def test_memory_case_runs_in_this_process(capsys):
    machine.memory_case("judge", 9)
    assert capsys.readouterr().out == ""


def test_unknown_area_is_named():
    with pytest.raises(UserError, match="did you mean 'judge'"):
        bench.run("jugde")


def test_table_shows_every_row():
    from rich.console import Console

    found = {"areas": {"judge": [{"clip": "a", "judge_cpu_s": 0.1}, {"clip": "b", "other": 2}]}}
    console = Console(record=True, width=100)
    console.print(bench.table(found))
    text = console.export_text()
    assert "judge cpu s" in text and "a" in text and "2" in text


def test_the_model_counts_its_products():
    """Linear layers and attention of a step, forward and twice backward."""
    pytest.importorskip("diffusers")
    from genreason.bench import modelling
    from genreason.train import flow

    task = modelling._task()
    batch = modelling._sized(task)
    noise, sigmas = task._noise(batch, flow.generator("bench"))
    products = modelling._products(task, batch, noise, sigmas)
    words, video = batch.text_ids.numel(), len(batch.layout.video) * len(batch.text_ids)
    assert products[1, video, 128, 384] == 3 * 6 * 2  # gate and up of the video towers
    assert products[1, words, 384, 128] == 3 * 6
    asked = modelling._asked(task, 1, 2)
    cached, whole = modelling._roll(task, asked), modelling._recomputed(task, asked)
    assert len(cached) == len(whole) == 2
    assert max(float((a - b).abs().max()) for a, b in zip(cached, whole, strict=True)) < 1e-5
