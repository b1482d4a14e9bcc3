"""A real model behind a real server: a tiny LLaVA under `transformers serve`; the same in this process."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from judge_fixture import clip_of, judge, maze

from genreason.testing.judges import check_verdict
from genreason.types import UserError

NEEDED = ("torch", "transformers", "fastapi", "uvicorn", "openai")
if missing := [name for name in NEEDED if importlib.util.find_spec(name) is None]:
    pytest.skip(f"{missing[0]} is not installed", allow_module_level=True)

from genreason.testing.tiny_vlm import tiny_vlm  # noqa: E402 (it needs what was looked for)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_vlm(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture(scope="module")
def url(model: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = shutil.which("transformers")
    assert command is not None
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [command, "serve", str(model), "--device", "cpu", "--port", str(port)],
        env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        for _ in range(600):
            assert process.poll() is None, "the server ended"
            try:
                urllib.request.urlopen(f"http://localhost:{port}/health", timeout=2).close()
                break
            except (urllib.error.URLError, OSError):
                time.sleep(0.5)
        yield f"http://localhost:{port}/v1"
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENREASON_CACHE", str(tmp_path / "cache" / "answers.sqlite"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def test_pictures_reach_the_model_and_nonsense_is_unscored_with_the_reply(
    url: str, model: Path, tmp_path: Path
) -> None:
    instance = maze()
    own = {
        "backend.base_url": url, "backend.model": str(model), "backend.max_tokens": 8,
        "limits.concurrency": 1, "frames.uniform": 2, "limits.repairs": 1,
    }  # fmt: skip
    grader = judge("checklist", None, tmp_path / "ledger.jsonl", **own)  # type: ignore[arg-type]
    clip = clip_of(instance, tmp_path)
    verdict = grader.judge(instance, [clip])[0]
    check_verdict(verdict)
    assert verdict.status == "unscored" and "after 1 repairs" in verdict.reason
    assert verdict.evidence["raw"][0].strip() and verdict.evidence["retry"]
    spent = grader.asker.ledger.spent
    assert spent.calls == 2 and spent.output == 16
    blind = judge("checklist", None, **own)  # type: ignore[arg-type]
    blind.changed(plan_changes={"order": "none"}).judge(instance, [clip])
    assert blind.asker.ledger.spent.input < spent.input - 2 * 3 * 4  # three pictures of four tokens or more


def test_a_model_that_the_server_does_not_have(url: str, tmp_path: Path) -> None:
    own = {"backend.base_url": url, "backend.model": "no/such-model", "limits.attempts": 1}
    instance = maze()
    try:
        verdict = judge("checklist", None, **own).judge(instance, [clip_of(instance, tmp_path)])[0]  # type: ignore[arg-type]
        assert verdict.status == "unscored" and verdict.reason
    except UserError as error:
        assert "no/such-model" in str(error) and "\n" not in str(error)


def test_the_same_model_in_this_process(model: Path, tmp_path: Path) -> None:
    own = {
        "backend.model": str(model), "backend.max_tokens": 8, "backend.logprobs": True,
        "limits.concurrency": 1, "frames.uniform": 2, "limits.repairs": 0,
    }  # fmt: skip
    instance = maze()
    grader = judge("checklist-local", None, **own)  # type: ignore[arg-type]
    verdict = grader.judge(instance, [clip_of(instance, tmp_path)])[0]
    assert verdict.status == "unscored" and grader.asker.ledger.spent.output == 8
    with pytest.raises(UserError, match="the model .* cannot be used .no such folder"):
        judge("checklist-local", None, **{**own, "backend.model": str(tmp_path / "none")}).ready()  # type: ignore[arg-type]
