"""OpenAI's Videos API, or another service that speaks it (`base_url`): create, retrieve, download."""

from __future__ import annotations

import functools
import importlib.util
import io
from typing import TYPE_CHECKING, Any

from genreason.generate.http_video import failure, key_of
from genreason.generate.remote import Asked, BusyError, RemoteOptions, State
from genreason.types import UserError

if TYPE_CHECKING:
    import openai


class OpenAIOptions(RemoteOptions):
    """Options of a card of kind "openai-video": those of all services."""


class OpenAIVideo:
    """The Videos API of the package openai."""

    def __init__(self, name: str, options: OpenAIOptions) -> None:
        """Prepare to ask; nothing is sent yet.

        Raises:
            UserError: the package or the key is missing.
        """
        if importlib.util.find_spec("openai") is None:
            raise UserError(f"generator {name} needs the package openai: pip install 'genreason[judge]'")
        self.name, self.options = name, options
        self._key = key_of(name, options)

    @functools.cached_property
    def client(self) -> openai.OpenAI:
        """The connection; retries are ours."""
        import openai

        return openai.OpenAI(
            api_key=self._key or "none", base_url=self.options.base_url, timeout=self.options.timeout,
            max_retries=0,
        )  # fmt: skip

    def submit(self, asked: Asked) -> str:
        """Create a video."""
        wanted: dict[str, Any] = {
            "model": self.options.model,
            "prompt": asked.prompt,
            "seconds": f"{self.options.seconds:g}",
            "size": f"{asked.size[0]}x{asked.size[1]}",
            "input_reference": ("first_frame.png", io.BytesIO(asked.png), "image/png"),
            "extra_headers": {"Idempotency-Key": asked.key},
        }
        return str(self._called("submit", lambda: self.client.videos.create(**wanted)).id)

    def poll(self, job: str) -> State:
        """Retrieve it."""
        found = self._called("poll", lambda: self.client.videos.retrieve(job))
        if found.status == "completed":
            return State("done")
        if found.status == "failed":
            return State("failed", str(getattr(found.error, "message", found.error)))
        return State("waiting")

    def download(self, job: str, state: State) -> bytes:
        """Its content."""
        found: bytes = self._called("download", lambda: self.client.videos.download_content(job).read())
        return found

    def _called(self, what: str, call: Any) -> Any:
        import openai

        try:
            return call()
        except openai.APIStatusError as error:
            text = str(error.message).replace(self._key, "...") if self._key else str(error.message)
            raise failure(
                self.name, what, error.status_code, text[:200], error.response.headers.get("retry-after")
            ) from None
        except openai.APITimeoutError:
            raise BusyError(f"no answer within {self.options.timeout:g} s", lost=what == "submit") from None
        except openai.APIConnectionError as error:
            raise BusyError(
                f"the connection failed ({error.__cause__ or error})", lost=what == "submit"
            ) from None
        except openai.APIError as error:
            raise BusyError(f"no answer that can be read ({error})", lost=what == "submit") from None
