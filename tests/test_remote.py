"""Video services: jobs against a local server that misbehaves."""

from __future__ import annotations

import importlib.util
import json
import time

import pytest
from video_server import Plan, VideoServer

from genreason import generate as generators
from genreason import run, video
from genreason.cards import GeneratorCard, JudgeCard, TaskCard, load, with_options
from genreason.generate.http_video import wait_of
from genreason.generate.oracle import solution_clip
from genreason.puzzles import base
from genreason.task import Task
from genreason.types import GenreasonError, Request, UserError

KINDS = ["http-video", *(["openai-video"] if importlib.util.find_spec("openai") else [])]
FAST = {
    "key_env": "VIDEO_KEY", "poll": 0.02, "timeout": 0.6, "retries": 3, "width": 256, "height": 256,
    "seconds": 4,
}  # fmt: skip


def requests(count):
    found = []
    for i in range(count):
        instance = Task("maze", "easy", "test")[i]
        found.append(
            Request(
                instance=instance, first_frame=base.load("maze").picture(instance), prompt=instance.prompt
            )
        )
    return found


@pytest.fixture(scope="module")
def clip():
    solved = solution_clip(Task("maze", "easy", "test")[0])
    return video.encode(video.frames(solved), solved.fps)


@pytest.fixture
def server(clip, monkeypatch):
    monkeypatch.setenv("VIDEO_KEY", "secret")
    found = VideoServer(Plan(clip))
    yield found
    found.close()


def settings(server, kind, **changes):
    card = load(GeneratorCard, kind)
    more = {"base_url": f"http://127.0.0.1:{server.port}" + ("/v1" if kind == "openai-video" else ""), **FAST}
    if kind == "http-video":
        more |= {"poll_job.done": ["completed"], "submit.path": "/v1/videos"}
    return card, with_options(card, {**more, **changes})


def generator(server, kind, journal=None, **changes):
    return generators.load(*settings(server, kind, **changes), journal)


def lines(journal):
    return [json.loads(line) for line in (journal / "jobs.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("kind", KINDS)
def test_clips_come_back_in_order_and_jobs_are_limited(server, kind, tmp_path, clip):
    asked = requests(5)
    server.plan.looks = 3
    made = generator(server, kind, tmp_path, concurrency=2)
    clips = made.generate(asked, 0)
    assert [c.path.read_bytes() for c in clips] == [clip] * 5
    assert len({c.meta["job"] for c in clips}) == 5 and server.most <= 2
    assert clips[0].meta["view"]["kind"] in ("same", "resized")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("what", "fault"),
    [(what, fault) for what in ("submit", "poll", "download") for fault in ("429", "500", "hang", "cut")]
    + [("download", "half")],
)
def test_faults_are_survived(server, kind, what, fault, tmp_path, clip):
    server.plan.faults = {what: [fault]}
    (made,) = generator(server, kind, tmp_path).generate(requests(1), 0)
    assert made.path.read_bytes() == clip
    assert server.calls[what] >= 2


def test_retry_after_is_kept_to(server, tmp_path):
    server.plan.faults = {"poll": ["429"]}
    generator(server, "http-video", tmp_path, poll=0.01).generate(requests(1), 0)
    first, second = server.times["poll"][:2]
    assert second - first >= 0.29


def test_a_dead_service_is_an_error_and_the_job_is_gone_on_with(server, tmp_path):
    server.plan.faults = {"poll": ["500"] * 50}
    with pytest.raises(GenreasonError, match=r"poll failed 4 times \(500: "):
        generator(server, "http-video", tmp_path).generate(requests(1), 0)
    server.plan.faults = {}
    (made,) = generator(server, "http-video", tmp_path).generate(requests(1), 0)
    assert made.path.is_file() and server.calls["submit"] == 1 and made.meta["job"] == "video_0"


def test_budget_is_hard_and_lost_calls_count(server, tmp_path):
    server.plan.faults = {"submit": ["hang"]}
    made = generator(
        server, "http-video", tmp_path, concurrency=1, **{"price.clip": 2.0, "budget.money": 6.0}
    )
    with pytest.raises(
        GenreasonError, match="the budget of 6 money does not allow another clip .spent: 6 money, 3 clips"
    ):
        made.generate(requests(4), 0)
    # The first request was paid twice as far as we can know, so that two clips were made for 6.
    assert len(server.jobs) == 2
    assert sum(line["what"] == "done" for line in lines(tmp_path)) == 2
    again = generator(server, "http-video", tmp_path, **{"price.clip": 2.0, "budget.money": 6.0})
    assert all(c.path.is_file() for c in again.generate(requests(2), 0))
    assert len(server.jobs) == 2


@pytest.mark.parametrize("kind", KINDS)
def test_refusals_are_answers_of_nothing(server, kind, tmp_path, monkeypatch):
    asked = requests(2)
    one = Request(instance=asked[0].instance, first_frame=asked[0].first_frame, prompt="something forbidden")
    server.plan.refuse = "forbidden"
    refused, given = generator(server, kind, tmp_path).generate([one, asked[1]], 0)
    assert refused.path is None and "the prompt is against the rules" in refused.meta["failed"]
    assert given.path.is_file()
    server.plan.refuse, server.plan.fail = "", "forbidden"
    (failed,) = generator(server, kind, tmp_path / "b").generate([one], 0)
    assert failed.path is None and "blocked by moderation" in failed.meta["failed"]


@pytest.mark.parametrize("kind", KINDS)
def test_wrong_key_is_one_line_that_does_not_show_it(server, kind, tmp_path, monkeypatch):
    monkeypatch.setenv("VIDEO_KEY", "my-own-key")
    with pytest.raises(UserError, match="refuses the key") as caught:
        generator(server, kind, tmp_path).generate(requests(1), 0)
    assert "my-own-key" not in str(caught.value)
    monkeypatch.delenv("VIDEO_KEY")
    with pytest.raises(UserError, match="set VIDEO_KEY"):
        generator(server, kind, tmp_path)


def test_card_with_an_unknown_field(server, tmp_path):
    card, options = settings(server, "http-video")
    options["submit"]["body"]["image"] = "{picture}"
    with pytest.raises(UserError, match=r"no field \{picture\}"):
        generators.load(card, options, tmp_path).generate(requests(1), 0)
    with pytest.raises(UserError, match=r"option budget\.cash"):
        generators.load(card, {**options, "budget": {"cash": 1}}, tmp_path)


def test_a_run_by_a_service_is_judged_and_resumed(server, tmp_path):
    card, options = settings(server, "http-video")
    server.plan.fail = "nothing has this"
    data = run.make(load(TaskCard, "maze"), tmp_path / "data", level="easy", n=2, split="test")
    made = run.generate(card, data, tmp_path / "run", options=options)
    verdicts = run.judge(load(JudgeCard, "rules"), made)
    # The server's clip solves the first maze: the second is shown another puzzle's.
    assert [v["status"] for v in verdicts] == ["pass", "fail"]
    before = server.calls.copy()
    run.generate(card, data, tmp_path / "run", options=options)
    assert server.calls == before


def test_retry_after_as_a_date():
    when = time.time() + 30
    text = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(when))
    assert 25 < wait_of(text) < 31
    assert wait_of("soon") is None and wait_of(None) is None and wait_of("2.5") == 2.5
