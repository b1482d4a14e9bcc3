"""A real HTTP server that speaks OpenAI's chat completions and answers as it is scripted to.

In tests it runs in a thread; `python tests/scripted_server.py --latency 0.2` runs it alone (it prints its
address; GET /log says what it was asked).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Frames = tuple[str, ...]
"""Hashes of the pictures of frames, in the order in which they are shown."""
_QUESTION = re.compile(r"^\[([^\]]+)\] (.*) \(answer one of: (.*)\)$", re.MULTILINE)


def picture_hash(url: str) -> str:
    return hashlib.blake2b(url.encode(), digest_size=8).hexdigest()


@dataclass
class Script:
    """How the server behaves.

    truth: right answers by question for the set of frames of a clip; `default` where the clip is unknown.
    accept, reject: share of questions whose right answer is the last (first) option that get the other one.
    first: share of answers that are the first option listed, whatever the truth.
    blind: answer where no frames are shown.
    faults: by number of the call (from 0): "429", "500", "cut", "invalid", "refusal", "empty", "length",
    "html".
    fault_rate: share of calls, at random, that get one of `random_faults`.
    """

    truth: dict[frozenset[str], dict[str, str]] = field(default_factory=dict)
    default: Callable[[str, Frames], str] | None = None
    accept: float = 0.0
    reject: float = 0.0
    first: float = 0.0
    cannot: float = 0.0
    blind: str = "no"
    latency: float = 0.0
    seed: int = 0
    key: str | None = None
    model: str = "scripted"
    pinned: bool = False
    vision: bool = True
    most_frames: int = 10**6
    schema: bool = True
    logprobs: bool = False
    retry_after: str | None = "0.2"
    faults: dict[int, str] = field(default_factory=dict)
    fault_rate: float = 0.0
    random_faults: tuple[str, ...] = ("429", "500", "cut", "invalid")
    reply: Callable[[dict[str, Any]], str] | None = None


class ScriptedServer:
    def __init__(self, script: Script | None = None, port: int = 0) -> None:
        self.script = script or Script()
        self.calls = 0
        self.inside = self.most_inside = 0
        self.answered: Counter[str] = Counter()
        self.bodies: list[dict[str, Any]] = []
        self.keep_bodies = False
        self.lock = threading.Lock()
        self.httpd = _Server(("127.0.0.1", port), type("Bound", (_Handler,), {"owner": self}))
        self.thread = threading.Thread(
            target=self.httpd.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.httpd.server_address[1]}/v1"

    def __enter__(self) -> ScriptedServer:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.httpd.shutdown()
        self.httpd.server_close()

    def answer(self, body: dict[str, Any]) -> tuple[str, list[str]]:
        """The reply's text, and a name for each question that it answers."""
        frames = tuple(picture_hash(url) for label, url in _pictures(body) if label.startswith("Frame "))
        text = _texts(body)
        given, names = [], []
        for name, _, options in _QUESTION.findall(text):
            listed = options.split(", ")
            given.append(
                {"id": name, "why": "scripted", "frames": [len(frames)] if frames else [],
                 "answer": self.choose(name, frames, listed)}
            )  # fmt: skip
            names.append(f"{name}|{listed[0]}|{text.count('Frame ')}|{hash_of(frames)}|{body.get('seed', 0)}")
        return json.dumps({"answers": given}), names

    def choose(self, name: str, frames: Frames, options: list[str]) -> str:
        script = self.script
        labels = [option for option in options if option != "cannot_tell"]
        if not frames:
            return script.blind
        known = script.truth.get(frozenset(frames))
        right = (
            known.get(name, "yes") if known else script.default(name, frames) if script.default else labels[0]
        )
        if right not in labels:
            right = labels[0] if right in ("yes", "correct") else labels[-1]
        rng = random.Random(f"{script.seed}|{name}|{sorted(frames)}")
        if rng.random() < script.cannot:
            return "cannot_tell"
        if rng.random() < script.first:
            return labels[0]
        best, worst = (
            ("yes", "no") if set(labels) == {"yes", "no"} else (labels[0], labels[-1])
        )  # the scale's
        # For a trap, whose right answer is no, accepting means yes all the same.
        if right == worst and rng.random() < script.accept:
            return best
        if right == best and rng.random() < script.reject:
            return worst
        return right


def hash_of(frames: Frames) -> str:
    return hashlib.blake2b("".join(frames).encode(), digest_size=8).hexdigest()


def _parts(body: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for message in body["messages"]:
        content = message["content"]
        found += [{"type": "text", "text": content}] if isinstance(content, str) else content
    return found


def _texts(body: dict[str, Any]) -> str:
    return "\n".join(part["text"] for part in _parts(body) if part["type"] == "text")


def _pictures(body: dict[str, Any]) -> list[tuple[str, str]]:
    """Every picture with the text before it."""
    found, label = [], ""
    for part in _parts(body):
        if part["type"] == "text":
            label = part["text"]
        else:
            found.append((label, part["image_url"]["url"]))
    return found


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed is no news."""


class _Handler(BaseHTTPRequestHandler):
    owner: ScriptedServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        owner = self.owner
        with owner.lock:
            log = {"calls": owner.calls, "answered": dict(owner.answered), "most_inside": owner.most_inside}
        self.send(200, log)

    def do_POST(self) -> None:
        owner, script = self.owner, self.owner.script
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with owner.lock:
            number, owner.calls = owner.calls, owner.calls + 1
            owner.inside += 1
            owner.most_inside = max(owner.most_inside, owner.inside)
            if owner.keep_bodies:
                owner.bodies.append(body)
        try:
            time.sleep(script.latency)
            self.answered(body, number)
        finally:
            with owner.lock:
                owner.inside -= 1

    def answered(self, body: dict[str, Any], number: int) -> None:
        script = self.owner.script
        fault = script.faults.get(number, "")
        rng = random.Random(f"{script.seed}|fault|{number}")
        if not fault and rng.random() < script.fault_rate:
            fault = rng.choice(script.random_faults)
        key = self.headers.get("Authorization", "").removeprefix("Bearer ")
        frames = sum(label.startswith("Frame ") for label, _ in _pictures(body))
        if script.key is not None and key != script.key:
            return self.fail(401, f"Incorrect API key provided: {key}.", "invalid_api_key")
        if body["model"] != script.model and script.pinned:
            return self.send(400, {"detail": f"pinned to {script.model!r}; requested {body['model']!r}."})
        if body["model"] != script.model:
            return self.fail(404, f"The model `{body['model']}` does not exist", "model_not_found")
        if not script.vision and _pictures(body):
            return self.fail(400, "This model does not support image inputs", "invalid_request_error")
        if not script.schema and body.get("response_format", {}).get("type") == "json_schema":
            return self.fail(400, "response_format of type json_schema is unavailable now", "invalid")
        if frames > script.most_frames:
            return self.fail(
                400, "This model's maximum context length is 4096 tokens", "context_length_exceeded"
            )
        if fault == "429":
            return self.fail(429, "Rate limit reached", "rate_limit_exceeded", retry_after=script.retry_after)
        if fault == "500":
            return self.fail(500, "The server had an error", "server_error")
        if fault == "html":
            return self.send_text(200, "<html>gateway</html>", "text/html")
        if fault == "cut":
            self.wfile.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{"
            )
            self.close_connection = True
            return None
        text, names = (script.reply(body), []) if script.reply else self.owner.answer(body)
        finish, refusal, logprobs = "stop", None, None
        if fault == "invalid":
            text, names = "The ball gets there, I think: {yes", []
        elif fault == "empty":
            text, names = "", []
        elif fault == "length":
            text, finish, names = text[: len(text) // 2], "length", []
        elif fault == "refusal":
            text, refusal, names = "", "I cannot help with that.", []
        if script.logprobs:
            pieces = re.findall(r"\w+|\W", text)
            logprobs = {"content": [_token(piece) for piece in pieces], "refusal": None}
        with self.owner.lock:
            self.owner.answered.update(names)
        message = {"role": "assistant", "content": text, "refusal": refusal}
        choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": logprobs}
        usage = {
            "prompt_tokens": 100 + 50 * frames,
            "completion_tokens": 20,
            "total_tokens": 120 + 50 * frames,
        }
        self.send(
            200,
            {"id": f"c{number}", "object": "chat.completion", "created": 0, "model": body["model"],
             "choices": [choice], "usage": usage},
        )  # fmt: skip
        return None

    def fail(self, status: int, message: str, code: str, retry_after: str | None = None) -> None:
        headers = {} if retry_after is None else {"Retry-After": retry_after}
        self.send(status, {"error": {"message": message, "type": code, "code": code, "param": None}}, headers)

    def send(self, status: int, record: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        self.send_text(status, json.dumps(record), "application/json", headers)

    def send_text(self, status: int, text: str, kind: str, headers: dict[str, str] | None = None) -> None:
        data = text.encode()
        self.send_response(status)
        for name, value in {
            "Content-Type": kind,
            "Content-Length": str(len(data)),
            **(headers or {}),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)


def _token(piece: str) -> dict[str, Any]:
    other = {"yes": "no", "no": "yes"}.get(piece, "x")
    top = [
        {"token": piece, "logprob": -0.2231, "bytes": None},
        {"token": other, "logprob": -1.6094, "bytes": None},
    ]
    return {"token": piece, "logprob": -0.2231, "bytes": None, "top_logprobs": top}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--fault-rate", type=float, default=0.0)
    args = parser.parse_args()
    server = ScriptedServer(Script(latency=args.latency, fault_rate=args.fault_rate), args.port)
    print(server.url, flush=True)
    server.httpd.serve_forever()


if __name__ == "__main__":
    main()
