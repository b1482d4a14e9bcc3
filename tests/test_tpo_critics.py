"""Critics, spec lock and leaks; a scripted server as the model; replies that make no sense."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
import tpo_fixture
from scripted_server import Script, ScriptedServer

from genreason import cards, run, tpo
from genreason.cards import GeneratorCard, JudgeCard
from genreason.formats.dataset import DataSet
from genreason.judge.messages import Reply
from genreason.judge.replies import InvalidReplyError
from genreason.task import Task
from genreason.tpo import asking, lock, rules
from genreason.tpo.story import Attempt, Consult, Shoot, Subject, Take
from genreason.types import Instance, Json, UserError

MAZE = Task("maze", "easy", "test")[0]


def attempt(k: int = 0, prompt: str = "p", value: float = 0.5, **seen: Any) -> Attempt:
    """A clip of eight frames that crosses a wall at 0.5 s."""
    wrong = {"seconds": 0.5, "check": "rules.legal", "what": "the agent goes right: wall at row 3, column 2",
             "where": None}  # fmt: skip
    record = {
        "status": "fail", "score": 0.0, "reason": "at 0.50 s: a wall", "violations": [wrong],
        "checks": {"rules.legal": 0.0, "scene.kept": 1.0}, "metrics": {}, "fps": 8.0, "frames": 9,
        "revisit": None, **seen,
    }  # fmt: skip
    take = Take(prompt=prompt, seed=k)
    texts = tuple(f"at a{i} go down" for i in range(1, 9))
    return Attempt(
        k=k, take=take, path=Path("x.mp4"), seen=record, truth=record, value=value, text=texts, chunks=8
    )


PASSES: Json = {"status": "pass", "violations": [], "checks": {"rules.legal": 1.0}}


# -- spec lock and leaks -------------------------------------------------------------------------------------
def test_the_task_stands_verbatim_in_every_revision() -> None:
    revised = lock.locked(MAZE.prompt, "Keep the camera\n still.")
    assert (
        lock.keeps(MAZE.prompt, revised) and lock.advice_of(MAZE.prompt, revised) == "Keep the camera still."
    )
    assert not lock.keeps(MAZE.prompt, revised.replace("never", "always"))
    assert lock.advice_of(MAZE.prompt, "Do it.") == "Do it."


@pytest.mark.parametrize(
    "advice",
    ["Go right first.", "The path is R R D D.", "Turn north at the crossing", "move to (3, 4)",
     "Enter b2 early", "Write 7 into the cell", "solve it by RRDD", "The answer is C.",
     "take the second opening", "\u2192 \u2193", "go rightwards",
     "Visit row 3 next"],
)  # fmt: skip
def test_advice_that_tells_the_solution_is_found(advice: str) -> None:
    assert lock.prescribes(MAZE, advice)
    kept, dropped = lock.clean(MAZE, ["Hold the camera still.", advice])
    assert kept == ["Hold the camera still."] and len(dropped) == 1


def test_all_that_the_program_says_is_clean() -> None:
    for text in (*rules._ADVICE.values(), rules._CIRCLES, *rules._KEEP.values()):
        for task in ("maze", "sokoban", "trapfield"):
            assert lock.prescribes(Task(task, None, "test")[0], text) == ""


def test_what_was_seen_may_be_told_but_not_what_ought_to_be() -> None:
    assert lock.describes(MAZE, "at 0.5 s the agent goes through the wall at row 3") == ""
    assert lock.describes(MAZE, "The agent should have gone right there.")
    way = ", ".join(lock.moves_of(MAZE))
    assert lock.describes(MAZE, f"a good clip shows {way}") and lock.prescribes(MAZE, way)


def test_the_oracle_pays_nothing_for_puzzles_without_a_known_solution() -> None:
    from dataclasses import replace

    foreign = replace(MAZE, scene={})
    assert (
        lock.moves_of(foreign) == ()
        and lock.prescribes(foreign, "Go left")
        and not lock.describes(foreign, "ok")
    )


# -- the critic by program -----------------------------------------------------------------------------------
def consult(role: str, *attempts: Attempt, **notes: Any) -> Consult:
    return Consult(role, attempts, MAZE.prompt, notes)


def test_the_program_writes_loss_and_gradient_from_violations() -> None:
    critic = rules.RulesCritic(tells=False)
    one, two = attempt(0), attempt(1, value=1.0, **PASSES)
    loss, gradient, critique = (
        each["answer"]
        for each in critic.answer(
            [(MAZE, consult(role, one, two)) for role in ("loss", "gradient", "critique")]
        )
    )
    assert (
        "Clip 0 fails: at 0.50 s the agent goes right" in loss["text"] and "Clip 1 is better" in loss["text"]
    )
    assert gradient["text"] == rules._ADVICE["rules.legal"]
    assert critique["observations"][0]["clip"] == 0 and critique["keep"] == ["The scene stays as it is."]
    assert "solution" not in critique
    (told,) = rules.RulesCritic(tells=True).answer([(MAZE, consult("critique", one))])
    assert told["answer"]["solution"].split(", ") == list(lock.moves_of(MAZE))


# -- a model as critic ---------------------------------------------------------------------------------------
def critic(server: ScriptedServer | None, tmp_path: Path, **options: Any) -> asking.ModelCritic:
    given = {
        "backend.base_url": server.url if server else "http://127.0.0.1:9/v1", "backend.model": "scripted",
        "pictures": False, "limits.wait": 0.01, "cache": str(tmp_path / "cache.sqlite"), **options,
    }  # fmt: skip
    return asking.load("llm", given, tmp_path / "ledger.jsonl", False)


def said(*claims: tuple[int, float], change: tuple[str, ...] = ()) -> str:
    seen = [{"clip": c, "seconds": s, "what": "crosses the wall", "rule": "legal"} for c, s in claims]
    return json.dumps({"observations": seen, "violated": [], "keep": [], "change": list(change)})


def test_both_orders_are_asked_and_only_what_agrees_is_kept(tmp_path: Path) -> None:
    fine, other = "Keep the walls intact at all times.", "Slow the camera pan in the sky."

    def reply(body: Json) -> str:
        text = json.dumps(body["messages"])
        first_is_zero = text.index("0.50 s") < text.index("0.75 s")
        # Clip 0 goes wrong at 0.5 s in either order; the other claim follows the place, not the clip.
        return said(
            (1 if first_is_zero else 2, 0.5), (1, 3.0), change=(fine, other) if first_is_zero else (fine,)
        )

    late = {"seconds": 0.75, "check": "rules.legal", "what": "passes a wall", "where": None}
    with ScriptedServer(Script(reply=reply)) as server:
        (found,) = critic(server, tmp_path).answer(
            [(MAZE, consult("critique", attempt(0), attempt(1, violations=[late])))]
        )
    assert found["answer"]["observations"] == [
        {"clip": 0, "seconds": 0.5, "what": "crosses the wall", "rule": "legal"}
    ]
    assert found["answer"]["change"] == [fine] and len(found["calls"]) == 2 and found["tokens"] == 240
    assert all(call["raw"] and call["asked"] for call in found["calls"])


def test_a_critique_that_tells_the_solution_loses_what_tells_it(tmp_path: Path) -> None:
    line = "Stay between the walls."
    with ScriptedServer(
        Script(reply=lambda body: said((1, 0.5), change=("Go right, then down.", line)))
    ) as server:
        (found,) = critic(server, tmp_path).answer([(MAZE, consult("critique", attempt(0)))])
    assert found["answer"]["change"] == [line] and len(found["answer"]["dropped"]) == 1


def test_videotpo_roles_go_on_from_each_other_and_leaks_are_noted(tmp_path: Path) -> None:
    def reply(body: Json) -> str:
        text = body["messages"][-1]["content"]
        return (
            "<IMPROVED_VARIABLE>Go right, right, down.</IMPROVED_VARIABLE>"
            if "Write the improved" in text
            else "ok"
        )

    with ScriptedServer(Script(reply=reply)) as server:
        one = critic(server, tmp_path)
        (loss,) = one.answer([(MAZE, consult("loss", attempt(0), attempt(1)))])
        (update,) = one.answer([(MAZE, consult("update", attempt(0), loss="ok", gradient="ok"))])
    assert loss["answer"] == {"text": "ok"}
    assert update["answer"]["prompt"] == "Go right, right, down." and update["answer"]["leaks"]


def _fuzz(rng: random.Random) -> str:
    good = said((1, 0.5), change=("Keep it whole.",))
    kind = rng.randrange(9)
    if kind == 0:
        return good[: rng.randrange(len(good))]
    if kind == 1:
        return "".join(chr(rng.randrange(1, 0x2FFF)) for _ in range(rng.randrange(60)))
    if kind == 2:
        return rng.choice(
            ["[" * 5000, "{" * 3000 + "}" * 3000, "null", "[]", "{}", "0", '"x"', "NaN", "true"]
        )
    if kind == 3:
        return good.replace("0.5", rng.choice(["-1", "1e999", "NaN", '"soon"', "null", "[]", "Infinity"]))
    if kind == 4:
        return good.replace(
            '"clip": 1', f'"clip": {rng.choice(["0", "99", "1.5", "null", "true", chr(34) * 2])}'
        )
    if kind == 5:
        return f"<think>{good}</think>" + rng.choice(["", "sorry", good + good])
    if kind == 6:
        pieces = list(good)
        for _ in range(rng.randrange(1, 12)):
            pieces[rng.randrange(len(pieces))] = chr(rng.randrange(32, 127))
        return "".join(pieces)
    if kind == 7:
        return f"```json\n{good}\n```" if rng.random() < 0.5 else f"```\n{good[:-3]}"
    return json.dumps(
        {"observations": rng.choice([None, {}, "x", [None], [[1]], [{"clip": 1}]]), "change": 3}
    )


def test_a_thousand_replies_that_make_no_sense_end_in_silence_or_in_order() -> None:
    rng = random.Random(0)
    forms = [asking.CritiqueForm(1), asking.CritiqueForm(2), asking.TextForm(True), asking.TextForm()]
    read = 0
    for number in range(1000):
        text = _fuzz(rng)
        for form in forms:
            try:
                found = form.read(Reply(text), 4)
            except InvalidReplyError:
                continue
            read += 1
            if isinstance(form, asking.CritiqueForm):
                assert all(1 <= each["clip"] <= form.clips for each in found["observations"]), number
    assert 1000 < read < 3000  # some of them are in order; any text is a text


def test_no_reply_whatever_stops_a_story(shop: Path, tmp_path: Path) -> None:
    """Whole stories over a server that answers nonsense, cuts off and refuses."""
    rng = random.Random(1)
    script = Script(
        reply=lambda body: _fuzz(rng), fault_rate=0.3, random_faults=("500", "cut", "empty", "refusal")
    )
    with ScriptedServer(script) as server:
        for name in ("refine", "videotpo"):
            made = optimise(
                shop,
                tmp_path / name,
                name,
                critic(server, tmp_path, **{"cache": str(tmp_path / f"{name}.sqlite")}),
            )
            lines = [line for i in made.instances() for line in events(made.root, i)]
            assert {line["role"] for line in lines if line["event"] == "consult"} >= {
                "critique" if name == "refine" else "update"
            }
            assert (made.root / "ledgers" / "critic.jsonl").exists() or (tmp_path / "ledger.jsonl").exists()


def test_cards_are_strict(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="did you mean 'backend.model'"):
        critic(None, tmp_path, **{"backend.modle": "x"})
    with pytest.raises(UserError, match="no field {answer}"):
        critic(None, tmp_path, **{"roles.loss.ask": "Tell {answer}"})
    with pytest.raises(UserError, match="did you mean 'llm'"):
        asking.load("lmm", {}, tmp_path / "l", False)


# -- stories -------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tpo")
    tpo_fixture.clips(tpo_fixture.data(root / "data", 2), root / "clips")
    return root


def optimise(
    shop: Path, out: Path, name: str, critic: Any, videos: int = 4, **settings: Any
) -> run.RunFolder:
    return run.optimise(
        tpo.method(name, settings), cards.load(GeneratorCard, "folder"), DataSet.open(shop / "data"), out,
        budget=run.Budget(videos=videos), scorer=cards.load(JudgeCard, "rules"), critic=critic,
        settings=settings, options={"path": str(shop / "clips")},
    )  # fmt: skip


def events(root: Path, instance: Instance) -> list[Json]:
    lines = (root / "tpo" / instance.sample_id / "story.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def drive(
    name: str, videos: int, values: Any, settings: Json | None = None, rethinks: bool = False
) -> tuple[Any, list]:
    """A story over clips whose values a function of the take says."""
    method = tpo.method(name, settings or {})
    story = method.story(Subject(instance=MAZE, videos=videos, rethinks=rethinks))
    program = rules.RulesCritic(method.tells)
    made: list[Attempt] = []
    step = next(story)
    while True:
        try:
            if isinstance(step, Shoot):
                assert len(made) + len(step.takes) <= videos
                new = []
                for take in step.takes:
                    value = values(take)
                    seen = dict(PASSES) if value == 1 else {}
                    one = attempt(len(made) + len(new), value=value, **seen)
                    new.append(Attempt(**{f: getattr(one, f) for f in Attempt.__slots__} | {"take": take}))
                made += new
                step = story.send(new)
            else:
                (found,) = program.answer([(MAZE, step)])
                step = story.send(found["answer"])
        except StopIteration as stop:
            return stop.value, made


def test_videotpo_spends_what_the_paper_says() -> None:
    end, made = drive("videotpo", 5, lambda take: 0.5)
    assert [each.take.round for each in made] == [0, 0, 1, 1, 2] and end.chosen == 4
    assert [each.take.seed for each in made] == [0, 1, 2, 3, 4]
    prompts = [each.take.prompt for each in made]
    assert prompts[0] == prompts[1] == MAZE.prompt != prompts[2] and lock.keeps(MAZE.prompt, prompts[4])
    end, made = drive("videotpo", 6, lambda take: 0.5, {"released": True})
    assert [each.take.seed for each in made] == [0, 1, 0, 1, 0, 1] and end.chosen == 4
    end, made = drive("videotpo", 1, lambda take: 0.5)
    assert len(made) == 1 and end.chosen == 0


def test_refine_keeps_a_revision_only_if_it_is_better_on_the_same_noise() -> None:
    better, made = drive("refine", 6, lambda take: 0.7 if take.prompt != MAZE.prompt else 0.5)
    assert made[1].take.seed == made[0].take.seed and made[1].take.prompt != MAZE.prompt
    assert better.chosen == 1  # equal values: the first
    worse, made = drive("refine", 5, lambda take: 0.3 if take.prompt != MAZE.prompt else 0.5)
    assert [each.take.prompt == MAZE.prompt for each in made] == [True, False, True, True, True]
    assert len({each.take.seed for each in made if each.take.prompt == MAZE.prompt}) == 4
    assert all(lock.keeps(MAZE.prompt, each.take.prompt) for each in made) and worse.chosen == 0


def test_refine_stops_at_the_first_clip_that_passes() -> None:
    end, made = drive("refine", 8, lambda take: 1.0 if take.seed == 2 else 0.5)
    assert made[-1].value == 1.0 and end.chosen == made[-1].k and end.why == "a clip passes" and len(made) < 8


def test_refine_goes_back_to_where_it_went_wrong() -> None:
    _, made = drive("refine", 6, lambda take: 0.5, {"patience": 2}, rethinks=True)
    first, again, third, before, *_ = (each.take for each in made)
    assert first.base is None and (again.base, again.chunk) == (0, 4)  # 0.5 s at 8 a second is frame 4
    assert again.banned == ("at a4 go down",) and again.said is None and again.seed != first.seed
    assert third.chunk == 4 and before.chunk == 3  # after two tries, one chunk further back
    _, made = drive("refine", 6, lambda take: 0.5 + 0.01 * take.seed, {"rethink": False}, rethinks=True)
    assert all(each.take.base is None for each in made)


def test_refine_begins_anew_without_what_went_wrong() -> None:
    _, made = drive("refine", 3, lambda take: 0.5, rethinks=True)
    first, *more = (each.take for each in made)
    assert first.base is None
    for take in more:
        assert take.chunk == 1 and take.said is None and take.banned == ("at a4 go down",)
    assert len({take.seed for take in (first, *more)}) == 3


def test_what_the_picture_broke_is_drawn_again_with_the_same_words() -> None:
    gone = {"seconds": 0.25, "check": "objects.present", "what": "the agent is gone", "where": None}

    method = tpo.method("refine", {"patience": 1})
    story = method.story(Subject(instance=MAZE, videos=3, rethinks=True))
    next(story)
    step = story.send([attempt(0, violations=[gone])])
    step = story.send(rules.critique(step.attempts))
    (take,) = step.takes
    assert (take.base, take.chunk, take.said, take.banned) == (0, 2, "at a2 go down", ())


def test_leak_mode_tells_and_says_so() -> None:
    method = tpo.method("refine", {"leak": True})
    assert method.tells and not tpo.method("refine", {}).tells
    _, made = drive("refine", 2, lambda take: 0.5, {"leak": True})
    assert ", ".join(lock.moves_of(MAZE)) in made[1].take.prompt
    _, made = drive("refine", 2, lambda take: 0.5)
    assert lock.prescribes(MAZE, lock.advice_of(MAZE.prompt, made[1].take.prompt)) == ""


def test_methods_run_on_recorded_clips_without_any_model(shop: Path, tmp_path: Path) -> None:
    for name in ("refine", "videotpo"):
        method = tpo.method(name, {})
        made = optimise(shop, tmp_path / name, name, tpo.critic("rules", {}, method, tmp_path))
        assert all((made.clip_path(i, 0)).is_file() for i in made.instances())
        again = optimise(shop, tmp_path / name, name, tpo.critic("rules", {}, method, tmp_path))
        assert [events(made.root, i) for i in made.instances()] == [
            events(again.root, i) for i in again.instances()
        ]
