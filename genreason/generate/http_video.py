"""Any video service that takes a JSON request, is polled, and lets one download: described in YAML."""

from __future__ import annotations

import base64
import email.utils
import http.client
import json
import os
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from genreason.generate.remote import Asked, BusyError, RefusedError, RemoteOptions, State
from genreason.types import Json, UserError

_FIELD = re.compile(r"\{(\w+)\}")
_REFUSED = (400, 403, 422)
_LONGEST = 200


class Submit(BaseModel):
    """Where a job is submitted, what is sent (with `{fields}`), where the reply has its name ("data.id")."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str
    body: dict[str, Any]
    job: str = "id"


class Poll(BaseModel):
    """How a job is looked at; all but `path` name places or values in the reply."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str
    status: str = "status"
    done: list[str] = ["succeeded", "completed", "done"]
    failed: list[str] = ["failed", "cancelled", "canceled", "expired"]
    reason: str = "error"
    url: str | None = None


class HttpOptions(RemoteOptions):
    """Options of a card of kind "http-video".

    Fields of paths and bodies: prompt, image_base64, image_data_url, width, height, seconds, seed, model,
    job.
    A value that is a single field keeps its type (a number stays one).

    Attributes:
        auth_header: header that carries the key.
        auth_prefix: before the key.
        headers: more headers.
        submit: how a job is submitted.
        poll_job: how it is looked at.
        download: path of the clip; None where the reply to a look has its URL.
    """

    base_url: str
    auth_header: str = "Authorization"
    auth_prefix: str = "Bearer "
    headers: dict[str, str] = {}
    submit: Submit
    poll_job: Poll
    download: str | None = None
    seconds: float = Field(gt=0)


class HttpVideo:
    """The service that a card describes."""

    def __init__(self, name: str, options: HttpOptions) -> None:
        """Prepare to ask; nothing is sent yet.

        Raises:
            UserError: the key is not in the environment, or nothing says where the clip is.
        """
        self.name, self.options = name, options
        self._key = key_of(name, options)
        if options.download is None and options.poll_job.url is None:
            raise UserError(
                f"generator {name}: give download (a path), or poll_job.url (a place in its reply)"
            )

    def submit(self, asked: Asked) -> str:
        """Send the request."""
        encoded = base64.b64encode(asked.png).decode()
        fields: Json = {
            "prompt": asked.prompt, "image_base64": encoded, "seed": asked.seed, "model": self.options.model,
            "image_data_url": f"data:image/png;base64,{encoded}", "seconds": self.options.seconds,
            "width": asked.size[0], "height": asked.size[1],
        }  # fmt: skip
        body = json.dumps(self._filled(self.options.submit.body, fields)).encode()
        reply = self._json("submit", self.options.submit.path, body, asked.key)
        job = _at(reply, self.options.submit.job)
        if not isinstance(job, str | int):
            raise UserError(f"generator {self.name}: submit.job: no {self.options.submit.job} in the reply")
        return str(job)

    def poll(self, job: str) -> State:
        """Look at the job."""
        settings = self.options.poll_job
        reply = self._json("poll", self._path(settings.path, job))
        status = _at(reply, settings.status)
        if status in settings.done:
            url = _at(reply, settings.url) if settings.url is not None else None
            return State("done", url=str(url) if url is not None else None)
        if status in settings.failed:
            return State("failed", _short(_at(reply, settings.reason)))
        return State("waiting")

    def download(self, job: str, state: State) -> bytes:
        """The clip; the key goes to the service's own host only."""
        if self.options.download is not None:
            return self._call("download", self._path(self.options.download, job))
        if state.url is None:
            raise BusyError(f"no {self.options.poll_job.url} in the reply to a job that is done")
        return self._call("download", state.url)

    def _path(self, path: str, job: str) -> str:
        return str(self._filled(path, {"job": urllib.parse.quote(job, safe="")}))

    def _filled(self, value: Any, fields: Json) -> Any:
        if isinstance(value, dict):
            return {name: self._filled(inner, fields) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._filled(inner, fields) for inner in value]
        if not isinstance(value, str):
            return value
        for field in _FIELD.findall(value):
            if field not in fields:
                raise UserError(f"generator {self.name}: no field {{{field}}}, there is {', '.join(fields)}")
        if (whole := _FIELD.fullmatch(value)) is not None:
            return fields[whole[1]]
        return _FIELD.sub(lambda found: str(fields[found[1]]), value)

    def _json(self, what: str, path: str, body: bytes | None = None, key: str | None = None) -> Any:
        raw = self._call(what, path, body, key)
        try:
            return json.loads(raw)
        except ValueError:
            raise BusyError(f"the reply is no JSON ({_short(raw[:100])})", lost=body is not None) from None

    def _call(self, what: str, path: str, body: bytes | None = None, key: str | None = None) -> bytes:
        base = self.options.base_url.rstrip("/") + "/"
        url = path if path.startswith(("http://", "https://")) else base + path.lstrip("/")
        headers = dict(self.options.headers)
        if self._key and urllib.parse.urlsplit(url).netloc == urllib.parse.urlsplit(base).netloc:
            headers[self.options.auth_header] = self.options.auth_prefix + self._key
        if body is not None:
            headers |= {"Content-Type": "application/json", "Idempotency-Key": key or ""}
        request = urllib.request.Request(url, body, headers)
        try:
            with urllib.request.urlopen(request, timeout=self.options.timeout) as reply:
                found: bytes = reply.read()
                return found
        except urllib.error.HTTPError as error:
            text = self._hidden(_short(error.read()[:1000]))
            raise failure(self.name, what, error.code, text, error.headers.get("Retry-After")) from None
        except http.client.IncompleteRead as error:
            raise BusyError(
                f"the reply was cut off after {len(error.partial)} bytes", lost=body is not None
            ) from None
        except TimeoutError:
            raise BusyError(f"no answer within {self.options.timeout:g} s", lost=body is not None) from None
        except (urllib.error.URLError, ConnectionError, http.client.HTTPException) as error:
            raise BusyError(f"the connection failed ({_short(error)})", lost=body is not None) from None

    def _hidden(self, text: str) -> str:
        return text.replace(self._key, "...") if self._key else text


def failure(name: str, what: str, status: int, text: str, retry_after: str | None) -> Exception:
    """What an HTTP status means."""
    if status == 429 or status >= 500 or status == 408:
        return BusyError(f"{status}: {text}", wait_of(retry_after), status == 429)
    if status == 401:
        return UserError(f"generator {name}: the service refuses the key (401): {text}")
    if what == "submit" and status in _REFUSED:
        return RefusedError(f"refused with {status}: {text}")
    return UserError(f"generator {name}: {what} was answered with {status}: {text}")


def wait_of(header: str | None) -> float | None:
    """Seconds of a Retry-After header, given as a number or a date."""
    if header is None:
        return None
    try:
        return max(float(header), 0.0)
    except ValueError:
        date = email.utils.parsedate_to_datetime(header) if re.match(r"\w{3}, ", header) else None
        return None if date is None else max(date.timestamp() - time.time(), 0.0)


def key_of(name: str, options: RemoteOptions) -> str:
    """The key in the environment; empty for services that need none.

    Raises:
        UserError: it should be there and is not.
    """
    if options.key_env is None:
        return ""
    found = os.environ.get(options.key_env, "")
    if not found:
        raise UserError(f"generator {name}: set {options.key_env} in the environment to the service's key")
    return found


def _at(reply: Any, place: str) -> Any:
    """The value at "a.b.0.c"; None where there is none."""
    for part in place.split("."):
        if isinstance(reply, dict):
            reply = reply.get(part)
        elif isinstance(reply, list) and part.isdigit() and int(part) < len(reply):
            reply = reply[int(part)]
        else:
            return None
    return reply


def _short(value: object) -> str:
    text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    return " ".join(text.split())[:_LONGEST]
