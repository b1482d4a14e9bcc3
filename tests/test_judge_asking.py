"""A judge that asks a model: nothing is lost, nothing asked twice, nothing leaks, failures are unscored."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from judge_fixture import clip_of, judge, maze, options
from scripted_server import Script, ScriptedServer

from genreason import cards, run
from genreason import judge as registry
from genreason.cards import GeneratorCard, JudgeCard, TaskCard
from genreason.judge.cache import Cache
from genreason.judge.limiter import Limiter
from genreason.judge.messages import BudgetError, EndpointError
from genreason.run import files
from genreason.testing.judges import check_verdict
from genreason.types import Clip, GenreasonError, UserError

KEY = "sk-test-0123456789abcdef"


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENREASON_CACHE", str(tmp_path / "cache" / "answers.sqlite"))
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


def asked(
    script: Script, tmp_path: Path, name: str = "checklist", **more: object
) -> tuple[Any, ScriptedServer]:
    """The verdict on a right clip of a maze, and the server that was asked."""
    instance = maze()
    with ScriptedServer(script) as server:
        server.keep_bodies = True
        grader = judge(name, server, tmp_path / "ledger.jsonl", **more)
        verdict = grader.judge(instance, [clip_of(instance, tmp_path)])[0]
    check_verdict(verdict)
    return verdict, server


# -- answers -------------------------------------------------------------------------------------------------
def test_right_answers_pass_and_cite_frames(tmp_path: Path) -> None:
    verdict, server = asked(Script(), tmp_path)
    assert verdict.status == "pass" and verdict.score == 1
    answer = verdict.evidence["answers"]["goal"]
    assert answer["frames"] and answer["seconds"][0] == verdict.evidence["looked_at"]["seconds"][-1]
    assert verdict.evidence["looked_at"]["indices"][-1] == verdict.evidence["looked_at"]["total"] - 1
    assert server.calls == 1


def test_one_wrong_answer_fails_with_its_time(tmp_path: Path) -> None:
    script = Script(default=lambda name, frames: "no" if name == "process" else "yes")
    verdict, _ = asked(script, tmp_path)
    assert verdict.status == "fail" and verdict.checks["checklist.process"] == 0
    assert verdict.violations[0].check == "checklist.process" and verdict.violations[0].seconds > 0


def test_cannot_tell_is_unscored(tmp_path: Path) -> None:
    verdict, _ = asked(Script(cannot=1.0), tmp_path)
    assert verdict.status == "unscored" and "cannot tell" in verdict.reason
    assert "retry" not in verdict.evidence  # it is an answer: it need not be asked for again


def test_the_trap_never_counts(tmp_path: Path) -> None:
    for answer, attention in (("no", 1.0), ("yes", 0.0)):
        script = Script(default=lambda name, frames, a=answer: a if name == "trap" else "yes")  # type: ignore[misc]
        verdict, _ = asked(script, tmp_path, trap=True, rubric=answer)
        assert verdict.status == "pass" and verdict.metrics["attention"] == attention


def test_votes_are_cast_only_where_they_split(tmp_path: Path) -> None:
    votes = {"goal": iter(["yes", "no", "no", "no", "no"])}
    script = Script(default=lambda name, frames: next(votes[name]) if name in votes else "yes")
    verdict, server = asked(script, tmp_path, votes=5)
    assert verdict.evidence["answers"]["goal"]["votes"] == {"yes": 1, "no": 3}
    assert verdict.evidence["answers"]["process"]["votes"] == {"yes": 2}
    assert verdict.status == "fail"
    per_call = [sum(name.startswith("goal|") for name in server.answered)]
    assert server.calls == 4 and per_call[0] >= 1


def test_probabilities_come_along_and_low_ones_count_as_unsure(tmp_path: Path) -> None:
    verdict, _ = asked(Script(logprobs=True), tmp_path, backend__logprobs=True)
    assert verdict.evidence["answers"]["goal"]["p"]["yes"] == pytest.approx(0.8, abs=0.01)
    unsure, _ = asked(Script(logprobs=True), tmp_path, backend__logprobs=True, confident=0.9)
    assert unsure.status == "unscored"


def test_blind_sends_no_picture_and_shuffled_another_order(tmp_path: Path) -> None:
    instance = maze()
    with ScriptedServer() as server:
        server.keep_bodies = True
        grader = judge("checklist", server)
        clip = clip_of(instance, tmp_path)
        grader.changed(plan_changes={"order": "none"}).judge(instance, [clip])
        assert "image_url" not in json.dumps(server.bodies[-1])
        grader.changed(plan_changes={"order": "shuffled"}).judge(instance, [clip])
        grader.judge(instance, [clip])
    pictures = [
        [p["image_url"]["url"] for p in body["messages"][-1]["content"] if p["type"] == "image_url"]
        for body in server.bodies[1:]
    ]
    assert sorted(pictures[0]) == sorted(pictures[1]) and pictures[0] != pictures[1]


# -- failures ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("fault", ["429", "500", "cut", "html"])
def test_passing_trouble_is_overcome(fault: str, tmp_path: Path) -> None:
    verdict, server = asked(Script(faults={0: fault, 1: fault}), tmp_path)
    assert verdict.status == "pass" and server.calls == 3


def test_retry_after_is_waited_for(tmp_path: Path) -> None:
    start = time.monotonic()
    verdict, _ = asked(Script(faults={0: "429"}, retry_after="0.6"), tmp_path)
    assert verdict.status == "pass" and time.monotonic() - start >= 0.6


def test_invalid_json_is_mended_at_most_twice(tmp_path: Path) -> None:
    verdict, server = asked(Script(faults={0: "invalid", 1: "invalid"}), tmp_path)
    assert verdict.status == "pass" and server.calls == 3
    assert "cannot be used" in json.dumps(server.bodies[-1]["messages"][-1])
    lost, server = asked(Script(faults=dict.fromkeys(range(9), "invalid")), tmp_path, rubric="2")
    assert lost.status == "unscored" and "after 2 repairs" in lost.reason and server.calls == 3
    assert "The ball gets there" in lost.evidence["raw"][0]  # the reply is kept as it came


@pytest.mark.parametrize(
    ("fault", "said"), [("refusal", "refused"), ("empty", "empty"), ("length", "cut off")]
)
def test_no_answer_is_unscored_and_never_cached(fault: str, said: str, tmp_path: Path) -> None:
    verdict, _ = asked(Script(faults=dict.fromkeys(range(9), fault)), tmp_path)
    assert verdict.status == "unscored" and said in verdict.reason and verdict.evidence["retry"]
    assert list(Cache().keys()) == []


def test_too_long_a_request_shrinks_and_says_so(tmp_path: Path) -> None:
    verdict, server = asked(
        Script(most_frames=3), tmp_path, frames__uniform=8, frames__most=8, frames__shrink=[4, 3]
    )
    assert verdict.status == "pass" and server.calls == 3
    assert verdict.evidence["notes"] == ["too many frames for the model's context: 3 shown"]
    assert verdict.evidence["looked_at"]["indices"][-1] == verdict.evidence["looked_at"]["total"] - 1
    never, _ = asked(Script(most_frames=1), tmp_path, rubric="2")
    assert never.status == "unscored" and "too long" in never.reason


def test_a_server_without_schemas_is_asked_in_words(tmp_path: Path) -> None:
    verdict, server = asked(Script(schema=False), tmp_path)
    assert verdict.status == "pass"
    assert server.bodies[-1]["response_format"] == {"type": "json_object"}


def test_unreadable_clips_are_unscored(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("no video")
    with ScriptedServer() as server:
        grader = judge("checklist", server)
        found = grader.judge(maze(), [Clip(path=tmp_path / "none.mp4"), Clip(path=tmp_path / "text.mp4")])
    assert [v.status for v in found] == ["unscored"] * 2 and server.calls == 0


# -- cache and budget ----------------------------------------------------------------------------------------
def test_what_was_answered_is_not_asked_again(tmp_path: Path) -> None:
    first, server = asked(Script(), tmp_path)
    again, other = asked(Script(), tmp_path)
    assert (server.calls, other.calls) == (1, 1)  # another address is another endpoint
    instance = maze()
    with ScriptedServer() as third:
        grader = judge("checklist", third)
        clip = clip_of(instance, tmp_path)
        verdicts = [grader.judge(instance, [clip])[0] for _ in range(3)]
        judge("checklist", third).judge(instance, [clip])
        judge("checklist", third, rubric="2").judge(instance, [clip])
    assert third.calls == 2 and len({json.dumps(v.to_json(), sort_keys=True) for v in verdicts}) == 1
    assert first.status == again.status


def test_two_threads_with_one_question_ask_once(tmp_path: Path) -> None:
    instance = maze()
    with ScriptedServer(Script(latency=0.2)) as server:
        grader = judge("checklist", server)
        clip = clip_of(instance, tmp_path)
        threads = [threading.Thread(target=grader.judge, args=(instance, [clip])) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert server.calls == 1


def test_the_budget_stops_before_it_is_exceeded(tmp_path: Path) -> None:
    journal = tmp_path / "ledger.jsonl"
    with ScriptedServer() as server:
        grader = judge("checklist", server, journal, limits__calls=2)
        for i in range(2):
            instance = maze(i)
            assert grader.judge(instance, [clip_of(instance, tmp_path)])[0].status == "pass"
        with pytest.raises(BudgetError, match="budget of 2 calls"):
            grader.judge(maze(2), [clip_of(maze(2), tmp_path)])
        # The ledger is the run's: another process goes on with what was spent.
        with pytest.raises(BudgetError):
            judge("checklist", server, journal, limits__calls=2).judge(maze(2), [clip_of(maze(2), tmp_path)])
        more = judge("checklist", server, journal, limits__calls=3)
        assert more.judge(maze(2), [clip_of(maze(2), tmp_path)])[0].status == "pass"
    assert server.calls == 3
    assert more.asker.ledger.spent.calls == 3 and more.asker.ledger.spent.tokens == 3 * (100 + 50 * 4 + 20)


def test_money_is_counted_by_the_price(tmp_path: Path) -> None:
    price = {"input": 2.0, "cached": 0.0, "output": 10.0}
    instance = maze()
    with ScriptedServer() as server:
        grader = judge("checklist", server, backend__price=price)
        grader.judge(instance, [clip_of(instance, tmp_path)])
    assert grader.asker.ledger.spent.money == pytest.approx((300 * 2 + 20 * 10) / 1e6)


def test_cache_ls_and_prune(tmp_path: Path) -> None:
    asked(Script(), tmp_path)
    cache = Cache()
    (shelf,) = cache.shelves()
    assert (shelf.judge, shelf.model, shelf.answers) == ("checklist", "scripted", 1)
    assert cache.prune(days=1) == 0 and cache.prune(judge="other") == 0 and cache.prune(model="scripted") == 1
    assert cache.shelves() == []


def test_a_file_that_is_no_cache_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "text").write_text("this is no database, but it is long enough to be looked at" * 20)
    monkeypatch.setenv("GENREASON_CACHE", str(tmp_path / "text"))
    with pytest.raises(UserError, match="cannot be used as cache"):
        Cache()


# -- the endpoint's pace -------------------------------------------------------------------------------------
def test_the_limit_falls_at_429_and_grows_back() -> None:
    limiter = Limiter(16)
    for _ in range(200):
        with limiter.slot():
            pass
        limiter.succeeded()
    assert limiter.limit == 16
    limiter.failed(throttled=True, retry_after=0.05)
    limiter.failed(throttled=True, retry_after=None)  # the same episode
    assert limiter.limit == pytest.approx(16 * 0.7)
    start = time.monotonic()
    with limiter.slot():
        assert time.monotonic() - start >= 0.04


def test_no_more_calls_at_once_than_the_card_says(tmp_path: Path) -> None:
    data = run.make(cards.load(TaskCard, "maze"), tmp_path / "d", level="easy", n=12, size=(112, 112))
    made = run.generate(cards.load(GeneratorCard, "oracle"), data, tmp_path / "r")
    with ScriptedServer(Script(latency=0.05)) as server:
        run.judge(cards.load(JudgeCard, "checklist"), made, options=options(server, limits__concurrency=3))
    assert server.calls == 12 and server.most_inside <= 3


# -- runs ----------------------------------------------------------------------------------------------------
def test_a_run_loses_nothing_to_trouble_and_asks_again_what_failed(tmp_path: Path) -> None:
    data = run.make(cards.load(TaskCard, "maze"), tmp_path / "d", level="easy", n=6, size=(112, 112))
    made = run.generate(cards.load(GeneratorCard, "oracle"), data, tmp_path / "r")
    card = cards.load(JudgeCard, "checklist")
    with ScriptedServer(Script(faults={0: "refusal", 3: "refusal"})) as server:
        found = run.judge(card, made, options=options(server))
        assert sorted(line["status"] for line in found) == ["pass"] * 4 + ["unscored"] * 2
        found = run.judge(
            card, made, options=options(server, limits__money=5.0)
        )  # another budget is no other judge
        assert [line["status"] for line in found] == ["pass"] * 6
        assert server.calls == 8 and max(server.answered.values()) == 1
        with pytest.raises(UserError, match="judged with options.group 4, not 1"):
            run.judge(card, made, options=options(server, group=1))
    assert len(list(files.read_lines(made.ledger_path("checklist")))) == 8


# -- bad input: one line each --------------------------------------------------------------------------------
def refused(script: Script | None, tmp_path: Path, **more: object) -> str:
    instance = maze()
    if script is None:
        with pytest.raises(UserError) as error:
            judge("checklist", None, **more).ready()
    else:
        with ScriptedServer(script) as server, pytest.raises(UserError) as error:
            judge("checklist", server, **more).judge(instance, [clip_of(instance, tmp_path)])
    text = str(error.value)
    assert "\n" not in text and KEY not in text
    return text


def test_bad_input_is_one_line_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "refuses the key in OPENAI_API_KEY" in refused(Script(key="sk-other"), tmp_path)
    assert "has no model 'scripted'" in refused(Script(model="another"), tmp_path)
    assert "has no model 'scripted'" in refused(Script(model="another", pinned=True), tmp_path)
    assert "takes no pictures" in refused(Script(vision=False), tmp_path)
    with pytest.raises(UserError, match="127.0.0.1:9/v1 does not answer .* is the server running"):
        judge("checklist", None).judge(maze(), [clip_of(maze(), tmp_path)])
    for name in ("money", "tokens", "calls", "seconds"):
        assert f"{name} is 0: nothing can be asked" in refused(None, tmp_path, **{f"limits__{name}": 0})
    monkeypatch.delenv("OPENAI_API_KEY")
    text = refused(None, tmp_path, backend__base_url="https://api.example.com/v1")
    assert "set OPENAI_API_KEY in the environment" in text


def test_questions_with_unknown_fields_are_named(tmp_path: Path) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_text('{"task": "maze", "questions": [{"text": "Is it there?", "expct": "yes"}]}\n')
    with pytest.raises(UserError, match="line 1: unknown key 'questions.0.expct': did you mean 'expect'"):
        judge("checklist", None, file=str(path))
    path.write_text('{"task": "maze", "questions": [{"text": "Is it there?"}]}\n')
    verdict, server = asked(Script(), tmp_path, file=str(path))
    assert verdict.status == "pass" and list(verdict.checks) == ["checklist.goal_1"]


def test_an_endpoint_that_goes_away_stops_the_run(tmp_path: Path) -> None:
    instance = maze()
    with ScriptedServer(Script(faults=dict.fromkeys(range(1, 99), "500"))) as server:
        grader = judge("checklist", server, limits__attempts=1)
        grader.judge(instance, [clip_of(instance, tmp_path)])
        clips = [clip_of(maze(i), tmp_path) for i in range(1, 12)]
        with pytest.raises(EndpointError, match="10 questions in a row"):
            for clip in clips:
                assert grader.judge(instance, [clip])[0].status == "unscored"


# -- keys ----------------------------------------------------------------------------------------------------
def test_a_key_is_never_written_anywhere(tmp_path: Path) -> None:
    data = run.make(cards.load(TaskCard, "maze"), tmp_path / "d", level="easy", n=2, size=(112, 112))
    made = run.generate(cards.load(GeneratorCard, "oracle"), data, tmp_path / "r")
    card = cards.load(JudgeCard, "checklist")
    leak = json.dumps({"answers": [], "said": f"your key is {KEY}"})
    with ScriptedServer(Script(key=KEY, reply=lambda body: leak)) as server:
        found = run.judge(card, made, options=options(server))
    assert all(line["status"] == "unscored" for line in found)
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or KEY.encode() not in path.read_bytes(), path
    for bad in ({"backend.key_env": KEY}, {"backend.base_url": f"https://user:{KEY}@example.com/v1"}):
        with pytest.raises(UserError) as error:
            registry.load(card, cards.with_options(card, bad))
        assert KEY not in str(error.value) and "environment" in str(error.value)
    with pytest.raises(GenreasonError) as error:
        cards.with_options(card, {"backend.api_key": KEY})
    assert KEY not in str(error.value)
