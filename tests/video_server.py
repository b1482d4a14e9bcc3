"""A local video service that misbehaves as told: it speaks OpenAI's Videos API and a plain JSON API."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Plan:
    """`faults[what]` is a list of faults for the calls of that kind, in order."""

    clip: bytes
    looks: int = 1  # polls until a job is done
    key: str | None = "secret"
    faults: dict[str, list[str]] = field(default_factory=dict)
    refuse: str = ""  # part of a prompt that is refused when it is submitted
    fail: str = ""  # part of a prompt whose job fails


class VideoServer:
    def __init__(self, plan: Plan) -> None:
        self.plan, self.calls, self.jobs = plan, Counter(), {}
        self.times: dict[str, list[float]] = {}
        self.lock = threading.Lock()
        self.busy = self.most = 0
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args: object) -> None:
                pass

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.answer("submit", lambda: self.submit(body))

            def do_GET(self) -> None:
                parts = self.path.strip("/").split("/")
                job = parts[2]
                if parts[-1] in ("content", "file"):
                    self.answer("download", lambda: self.send(200, owner.plan.clip, "video/mp4"))
                else:
                    self.answer("poll", lambda: self.poll(job))

            def answer(self, what, act) -> None:
                with owner.lock:
                    owner.calls[what] += 1
                    owner.times.setdefault(what, []).append(time.monotonic())
                    waiting = owner.plan.faults.get(what, [])
                    fault = waiting.pop(0) if waiting else ""
                key = self.headers.get("Authorization", "")
                if owner.plan.key is not None and key != f"Bearer {owner.plan.key}":
                    return self.fail(401, f"wrong key {key}")
                if fault == "429":
                    return self.fail(429, "slow down", {"Retry-After": "0.3"})
                if fault == "500":
                    return self.fail(500, "oops")
                if fault == "hang":
                    time.sleep(1.5)
                    self.close_connection = True
                    return None
                if fault == "cut":
                    data = owner.plan.clip
                    self.send_response(200)
                    self.send_header("Content-Length", str(len(data)))
                    self.end_headers()
                    self.wfile.write(data[: len(data) // 2])
                    self.close_connection = True
                    return None
                if fault == "half":  # a whole reply with half a clip in it
                    return self.send(200, owner.plan.clip[: len(owner.plan.clip) // 2], "video/mp4")
                return act()

            def submit(self, body: bytes):
                text = body.decode("latin-1")
                if owner.plan.refuse and owner.plan.refuse in text:
                    return self.fail(400, "the prompt is against the rules")
                with owner.lock:
                    job = f"video_{len(owner.jobs)}"
                    owner.jobs[job] = {
                        "looks": 0,
                        "body": body,
                        "fail": bool(owner.plan.fail) and owner.plan.fail in text,
                    }
                    owner.busy += 1
                    owner.most = max(owner.most, owner.busy)
                return self.record(job, "queued")

            def poll(self, job: str):
                with owner.lock:
                    found = owner.jobs[job]
                    found["looks"] += 1
                    done = found["looks"] > owner.plan.looks
                    if found["looks"] == owner.plan.looks + 1:
                        owner.busy -= 1
                return self.record(
                    job, ("failed" if found["fail"] else "completed") if done else "in_progress"
                )

            def record(self, job: str, status: str):
                url = f"http://127.0.0.1:{owner.port}/v1/videos/{job}/file"
                error = (
                    {"code": "moderation", "message": "blocked by moderation"} if status == "failed" else None
                )
                found = {
                    "id": job, "object": "video", "status": status, "model": "m", "created_at": 0,
                    "progress": 0, "seconds": "4", "size": "1280x720", "error": error, "output": [url],
                }  # fmt: skip
                return self.send(200, json.dumps(found).encode(), "application/json")

            def fail(self, status: int, text: str, headers=None):
                return self.send(
                    status, json.dumps({"error": {"message": text}}).encode(), "application/json", headers
                )

            def send(self, status: int, data: bytes, kind: str, headers=None):
                self.send_response(status)
                for name, value in {
                    "Content-Type": kind,
                    "Content-Length": str(len(data)),
                    **(headers or {}),
                }.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

        self.httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.httpd.server_address[1]
        threading.Thread(target=self.httpd.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.httpd.shutdown()
        self.httpd.server_close()
