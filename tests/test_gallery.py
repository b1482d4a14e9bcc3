"""The gallery: a page and a strip for each task, and every row of every benchmark in its index."""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest

from genreason import benchmarks, gallery
from genreason.types import UserError


def test_pages_say_what_the_cards_say(tmp_path: Path) -> None:
    gallery.write(["sudoku", "maze"], tmp_path)
    page = (tmp_path / "sudoku.md").read_text(encoding="utf-8")
    for said in ("tivibench/sudoku_completion", "| hard | size 9", "`rules.legal`", "![Solutions"):
        assert said in page
    strip = cv2.imread(str(tmp_path / "sudoku.webp"))
    assert strip is not None and strip.shape[1] == gallery.PICTURES * (gallery.SIDE + 4)
    assert strip.shape[0] == 3 * (gallery.SIDE + 4)
    figures = (tmp_path / "maze.md").read_text(encoding="utf-8").split("## Trust gate")[1]
    assert "0 false accepts" in figures and "still 0 of " in figures
    index = (tmp_path / "README.md").read_text(encoding="utf-8")
    for benchmark in benchmarks.catalogue():
        assert f"## {benchmark['title']}" in index
        assert all(f"| {row['title']} | {row['group']} |" in index for row in benchmark["rows"])


def test_a_task_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="sudoko.*sudoku"):
        gallery.write(["sudoko"], tmp_path / "new")
