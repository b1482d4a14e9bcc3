"""A user's textures are found, drawn, named in prompts, kept with the data, judged as strictly as ours."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from skin_fixture import GAMES, SKINS, WORDS, disc, flat, rough, save, write_skin, write_skins

from genreason import cards, run
from genreason.cards import GeneratorCard, JudgeCard, TaskCard
from genreason.formats import EXPORTERS, IMPORTERS
from genreason.formats.dataset import DataSet
from genreason.generate.controls import CONTROLS
from genreason.generate.workshop import Workshop
from genreason.judge.rules import RulesJudge
from genreason.perceive.locate import contrast
from genreason.perceive.pieces import Pieces
from genreason.puzzles import base
from genreason.puzzles.tiles import GOAL, WALL
from genreason.render import skins
from genreason.render.pictures import Picture, fit
from genreason.task import Task
from genreason.types import Clip, Instance, UserError

ALL = [(game, skin) for game in GAMES for skin in SKINS]
CHEATS = ("clone", "recoloured", "object_lost", "scene_altered", "goal_moved", "corner_cut", "illegal_step")
HONEST = ("recode35", "blur", "jitter", "colour_shift")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_skins(tmp_path_factory.mktemp("skins"))


def sample(root: Path, game: str, skin: str, size: tuple[int, int] = (192, 192), i: int = 3) -> Instance:
    return Task(game, "small", split="any", style=f"skins:{root / game / skin}", size=size)[i]


# -- finding -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("game", GAMES)
def test_a_skin_a_folder_of_skins_and_a_folder_of_games_are_found(root: Path, game: str) -> None:
    wanted = tuple(f"skins:{root / game / skin}" for skin in sorted(SKINS))
    assert skins.find(f"skins:{root}", game) == wanted
    assert skins.find(f"skins:{root / game}", game) == wanted
    assert skins.find(f"skins:{root / game / 'glass'}", game) == (f"skins:{root / game / 'glass'}",)
    styles = {instance.style for instance in Task(game, "small", style=f"skins:{root}")[:24]}
    assert {style.partition("@")[0] for style in styles} == {f"skins:{skin}" for skin in SKINS}


def test_games_have_other_names_in_vr_bench(root: Path, tmp_path: Path) -> None:
    write_skin(tmp_path / "regular_maze" / "1", "maze")
    assert skins.find(f"skins:{tmp_path}", "maze") == (f"skins:{tmp_path / 'regular_maze' / '1'}",)
    road = tmp_path / "pathfinder" / "2"
    for name, texture in (
        ("road", rough((99, 99), (90, 160, 70), 18, 4)),
        ("start", disc((250, 250, 250), 0.45)),
        ("end", disc((20, 20, 24), 0.45)),
    ):
        save(road / f"{name}.png", texture)
    words = {"start": "white golf ball", "end": "golf hole", "road": "green grass field"}
    (road / "description.json").write_text(
        json.dumps({"game_type": "pathfinder", "visual_description": words})
    )
    skin = skins.load(road, "irregular_maze")
    assert {kind: look.word for kind, look in skin.looks.items()} == {
        "agent": "white golf ball", "goal": "golf hole", "road": "green grass field",
    }  # fmt: skip


def test_the_puzzles_are_the_same_in_every_skin_and_the_key_is_not(root: Path, tmp_path: Path) -> None:
    drawn = [Task("maze", "easy", style=style)[5] for style in (f"skins:{root}", "classic")]
    assert drawn[0].state == drawn[1].state and drawn[0].key != drawn[1].key
    skin = write_skin(tmp_path / "plain", "maze")
    before = Task("maze", "easy", style=f"skins:{skin}")[0]
    save(skin / "floor.png", flat((230, 250, 230)))
    after = Task("maze", "easy", style=f"skins:{skin}")[0]
    assert before.state == after.state
    assert before.style != after.style and before.key != after.key


# -- drawing -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("size", [(192, 192), (131, 203)])
@pytest.mark.parametrize(("game", "skin"), ALL)
def test_textures_are_where_the_tiles_say(root: Path, game: str, skin: str, size: tuple[int, int]) -> None:
    instance = sample(root, game, skin, size)
    puzzle = base.load(game)
    board, state = puzzle.board(instance), puzzle.start(instance)
    looks = skins.load(root / game / skin, game).looks
    ground = np.full((32, 32, 3), 255, np.float32)
    shown = {}
    for kind in puzzle.kinds:
        rgb, alpha = fit(looks[kind], 32, 32)
        over = ground if kind == "floor" else shown["floor"]
        shown[kind] = over + (rgb - over) * alpha[..., None]
    for (row, col), tile in np.ndenumerate(puzzle.tiles(state)):
        (x0, y0), (x1, y1) = (
            np.rint(board.lattice.pixels((col + d, row + d))).astype(int) for d in (-0.5, 0.5)
        )
        seen = cv2.resize(board.plate[y0:y1, x0:x1], (32, 32), interpolation=cv2.INTER_AREA).astype(float)
        gaps = {kind: float(np.abs(seen - look).mean()) for kind, look in shown.items()}
        assert min(gaps, key=lambda kind: gaps[kind]) == puzzle.kinds[tile], (row, col, gaps)
        assert gaps[puzzle.kinds[tile]] < 12, (row, col)
    assert np.array_equal(puzzle.picture(instance), board.draw(puzzle.places(state)))


@pytest.mark.parametrize(("game", "skin"), ALL)
def test_pieces_stand_out_and_are_read_back(root: Path, game: str, skin: str) -> None:
    instance = sample(root, game, skin)
    puzzle = base.load(game)
    board, state = puzzle.board(instance), puzzle.start(instance)
    pieces, tiles = Pieces(board, puzzle.places(state)), puzzle.tiles(state)
    for row, col in np.argwhere(tiles != WALL):
        for piece in pieces.all:
            x, y = map(float, board.lattice.pixels((col, row)))
            assert contrast(board, piece.finder, x, y) > 25, (piece.finder.piece.name, row, col)
    for move in puzzle.solve(state).moves:
        state = puzzle.step(state, move)
        reading = puzzle.read(board.draw(puzzle.places(state)), instance)
        assert puzzle.canonical(reading.state) == puzzle.canonical(state) and reading.confidence > 0.8
    assert GOAL in tiles and puzzle.done(reading.state)


def test_prompts_speak_the_skins_words(root: Path) -> None:
    for game, (bar, _) in GAMES.items():
        prompt = Task(game, "easy", style=f"skins:{root}", prompt="vr-bench")[0].prompt
        used = [word for name, word in WORDS.items() if name != "box" or game == "sokoban"]
        assert all(word in prompt for word in (*used, f"grim {bar}s")), game
        assert "\n\nScene:\n" in prompt and "\n\nCamera:\n" in prompt and "{" not in prompt


def test_a_texture_keeps_its_shape_and_fills_its_cell() -> None:
    tall = Picture("tall", flat((9, 90, 200), size=(60, 30)))
    for size in ((20, 20), (21, 20), (20, 21)):
        rgb, alpha = fit(tall, *size)
        assert alpha.shape == size[::-1] and rgb.shape == (*size[::-1], 3)
        rows, cols = np.flatnonzero(alpha.any(axis=1)), np.flatnonzero(alpha.any(axis=0))
        assert len(rows) == size[1] and abs(len(cols) - size[0] / 2) <= 1
        assert abs(cols.mean() + 0.5 - size[0] / 2) <= 0.5
        assert np.abs(rgb[alpha > 0.99] - (9, 90, 200)).max() < 1
    square = Picture("square", flat((1, 2, 3), 0.5))
    for size in ((20, 20), (21, 20), (20, 21), (90, 91)):
        assert np.abs(fit(square, *size)[1] - 0.5).max() < 0.01


def test_hidden_colours_do_not_shine_through() -> None:
    """What is fully clear may have any colour: it must not bleed into edges."""
    clear = disc((250, 0, 0), 0.4)
    clear[clear[..., 3] == 0, :3] = (0, 255, 0)
    rgb, alpha = fit(Picture("disc", clear), 17, 17)
    assert rgb[alpha > 0.05, 1].max() < 12


@pytest.mark.parametrize("kind", ["gray", "gray16", "jpg", "rgb16"])
def test_pictures_of_other_kinds_are_read(root: Path, tmp_path: Path, kind: str) -> None:
    skin = write_skin(tmp_path / "plain", "maze")
    (skin / "floor.png").unlink()
    floor = np.full((40, 40), 200, np.uint8)
    picture = {
        "gray16": floor.astype(np.uint16) * 257,
        "rgb16": np.dstack([floor] * 3).astype(np.uint16) * 257,
    }
    ending = "jpg" if kind == "jpg" else "png"
    assert cv2.imwrite(str(skin / f"floor.{ending}"), picture.get(kind, floor))
    look = skins.load(skin, "maze").looks["floor"]
    assert look.rgba.shape == (40, 40, 4) and np.abs(look.rgba.astype(int) - (200, 200, 200, 255)).max() <= 1


# -- bad input -----------------------------------------------------------------------------------------------
def _describe(**changes: object) -> Callable[[Path], None]:
    def change(skin: Path) -> None:
        record = json.loads((skin / "description.json").read_text()) | changes
        (skin / "description.json").write_text(json.dumps(record))

    return change


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda skin: (skin / "wall.png").unlink(), "skin {} lacks wall.png: add a picture of that name"),
        (lambda skin: (skin / "description.json").unlink(), "skin {} lacks description.json: add one"),
        (lambda skin: (skin / "wall.png").write_bytes(b"no picture"), "{}/wall.png: not a picture"),
        (lambda skin: (skin / "wall.png").write_bytes(b""), "{}/wall.png: not a picture"),
        (lambda skin: (skin / "description.json").write_text("{"), "{}/description.json: no JSON"),
        (lambda skin: (skin / "description.json").write_text("[]"), "{}/description.json: lacks the object"),
        (_describe(visual_description=None), "{}/description.json: lacks the object 'visual_description'"),
        (_describe(visual_description={"player": "x"}), "lacks 'floor': say what floor shows"),
        (_describe(visual_description={**WORDS, "wall": " "}), "lacks 'wall': say what wall shows"),
        (_describe(game_type="sokoban"), "its game_type is 'sokoban', not 'maze': take a skin of that game"),
        (lambda skin: save(skin / "player.png", flat((9, 9, 9), 0.0)), "skin {}: player shows nothing"),
        (lambda skin: save(skin / "wall.png", flat((236, 236, 240))), "floor and wall look alike"),
        (lambda skin: save(skin / "player.png", flat((30, 140, 40))), "player and target look alike"),
    ],
)  # fmt: skip
def test_a_fault_is_named_in_one_line(tmp_path: Path, damage: Callable[[Path], object], message: str) -> None:
    skin = write_skin(tmp_path / "mine", "maze")
    Task("maze", "easy", style=f"skins:{skin}")
    damage(skin)
    with pytest.raises(UserError) as error:
        Task("maze", "easy", style=f"skins:{skin}")
    assert message.format(skin) in str(error.value) and "\n" not in str(error.value)


def test_what_is_no_folder_of_skins_is_refused(root: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no folder"):
        Task("maze", style=f"skins:{tmp_path / 'nowhere'}")
    with pytest.raises(
        UserError, match=r"no skin of maze there, in maze/<id> or <id>: a skin has description"
    ):
        Task("maze", style=f"skins:{tmp_path}")
    with pytest.raises(UserError, match="chess cannot be drawn with skins"):
        skins.find(f"skins:{root}", "chess")


# -- with the data -------------------------------------------------------------------------------------------
def judged(data: DataSet, out: Path) -> list[str]:
    made = run.attach(data, "ground-truth", out)
    run.judge(cards.load(JudgeCard, "rules"), made)
    return [row["status"] for row in run.RunFolder(out).verdicts("rules")]


@pytest.fixture
def data(root: Path, tmp_path: Path) -> DataSet:
    """A data set whose skins are nowhere but with it, in a place where it was not made."""
    shutil.copytree(root, tmp_path / "theirs")
    card = cards.load(TaskCard, "trapfield")
    run.make(card, tmp_path / "made", level="easy", n=4, style=f"skins:{tmp_path / 'theirs'}", seed=1)
    shutil.rmtree(tmp_path / "theirs")
    return DataSet.open((tmp_path / "made").rename(tmp_path / "moved"))


def test_a_data_set_keeps_its_skins_wherever_it_goes(data: DataSet, tmp_path: Path) -> None:
    assert len({instance.style for instance in data}) > 1
    for instance in data:
        picture = base.load("trapfield").picture(instance)
        shown = cv2.imread(str(data.first_frame(instance)), cv2.IMREAD_COLOR_RGB)
        assert np.array_equal(picture, shown)
    assert judged(data, tmp_path / "judged") == ["pass"] * 4
    oracle = cards.load(GeneratorCard, "through_wall")
    made = run.generate(oracle, data, tmp_path / "cheat")
    run.judge(cards.load(JudgeCard, "rules"), made)
    assert {row["status"] for row in made.verdicts("rules")} == {"fail"}


def test_skins_go_along_when_samples_are_exported(data: DataSet, tmp_path: Path) -> None:
    EXPORTERS["vmevalkit"](data, tmp_path / "out")
    shutil.rmtree(data.root)
    again = IMPORTERS["vmevalkit"](tmp_path / "out", tmp_path / "in")
    shutil.rmtree(tmp_path / "out")
    assert judged(again, tmp_path / "judged") == ["pass"] * 4


def test_other_textures_than_those_it_was_drawn_with_are_refused(data: DataSet) -> None:
    instance = data.instances[0]
    assert instance.skin is not None
    save(instance.skin / "floor.png", flat((200, 250, 200)))
    (instance.skin / "floor.jpg").unlink(missing_ok=True)
    with pytest.raises(UserError, match="is not what trapfield_0000 was drawn with"):
        skins.of(instance, "trapfield")
    shutil.rmtree(instance.skin)
    with pytest.raises(UserError, match="trapfield_0000: .* is missing: copy it from where"):
        skins.of(instance, "trapfield")
    alone = Instance.from_json(instance.to_json())
    with pytest.raises(UserError, match="is drawn with skins:.*: open it from its data set"):
        skins.of(alone, "trapfield")


# -- as strictly as ours -------------------------------------------------------------------------------------
def verdicts(instance: Instance, names: tuple[str, ...]) -> list[str]:
    """What is wrong with the verdicts on these controls."""
    wrong = []
    for name in names:
        recipe, shop = CONTROLS[name], Workshop(instance, name)
        clip = recipe.make(shop)
        if clip is None:
            continue
        (verdict,) = RulesJudge().judge(instance, [Clip(render=clip.render, fps=clip.fps)])
        broken = any(v == 0 for check, v in verdict.checks.items() if check.startswith(recipe.breaks))
        right = verdict.status == "pass" if recipe.honest else verdict.status == "fail" and broken
        if not right:
            wrong.append(f"{name}: {verdict.status} {verdict.reason}")
    return wrong


@pytest.mark.parametrize(("game", "skin"), [("maze", "rough"), ("sokoban", "glass"), ("trapfield", "full")])
def test_controls_are_told_apart_in_any_skin(root: Path, game: str, skin: str) -> None:
    assert verdicts(sample(root, game, skin), HONEST + CHEATS) == []


@pytest.mark.slow
@pytest.mark.parametrize(("game", "skin"), ALL)
def test_every_control_is_told_apart_in_every_skin(root: Path, game: str, skin: str) -> None:
    assert verdicts(sample(root, game, skin, (256, 256), 2), tuple(CONTROLS)) == []
