"""What judging would cost, without asking anything."""

from __future__ import annotations

from collections.abc import Iterable

from genreason.judge.asked import AskingJudge
from genreason.judge.ledger import money
from genreason.judge.messages import Usage
from genreason.types import Clip, Instance, Json, UnreadableClipError

_SECONDS = 2.0  # of a call, where nothing is known of the endpoint


def dry_run(judge: AskingJudge, clips: Iterable[tuple[Instance, Clip]], seed: int = 0) -> Json:
    """Calls, tokens and money that the first answers would take at most; repairs and votes come on top.

    Returns:
        {"clips", "unreadable", "calls", "cached": calls that the cache answers, "tokens": {"input",
        "output"},
        "money", "seconds": a guess of two a call over the places there are}.
    """
    settings = judge.settings
    counts = {"clips": 0, "unreadable": 0, "calls": 0, "cached": 0}
    tokens_in = tokens_out = 0
    for instance, clip in clips:
        counts["clips"] += 1
        try:
            for ask in judge.asks(instance, clip, seed):
                if judge.asker.known(ask):
                    counts["cached"] += 1
                    continue
                messages, _, _ = judge.asker.messages(ask, ask.footages[0][1].plan.most)
                usage = judge.asker.estimate(messages)
                counts["calls"] += 1
                tokens_in, tokens_out = tokens_in + usage.input, tokens_out + usage.output
        except UnreadableClipError:
            counts["unreadable"] += 1
    usage = Usage(tokens_in, 0, tokens_out)
    return {
        **counts,
        "tokens": {"input": tokens_in, "output": tokens_out},
        "money": round(money(usage, settings.backend.price), 6),
        "seconds": round(counts["calls"] * _SECONDS / settings.limits.concurrency, 1),
    }
