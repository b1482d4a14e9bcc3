"""Asking a model: cache, budget, places, retries, repairs and shrinking, in one place for all protocols."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import tenacity

from genreason import seeds
from genreason.judge import frames as framing
from genreason.judge.backends import load as load_backend
from genreason.judge.cache import Cache
from genreason.judge.frames import Crop, Footage, Picture
from genreason.judge.ledger import Ledger, money
from genreason.judge.limiter import Limiter
from genreason.judge.messages import (
    Backend,
    BusyError,
    ContextError,
    EndpointError,
    Message,
    Part,
    RefusedError,
    Reply,
    UnansweredError,
    Usage,
)
from genreason.judge.replies import Form, InvalidReplyError
from genreason.judge.settings import AskSettings
from genreason.types import Json, UserError

_LONGEST_WAIT = 60.0  # seconds between attempts where the endpoint asks for nothing else
_STREAK = 10  # questions in a row that the endpoint fails to answer, after which the run stops
_FEW = 3  # attempts to reach an endpoint that has never answered
_RAW = 4000  # characters of a reply that are kept


@dataclass(frozen=True, slots=True)
class Ask:
    """One call's worth of questions.

    Attributes:
        system: who the model is to be.
        before: text and pictures before the clips' frames.
        footages: clips, each under its heading.
        form: of the answer; its instructions end the request.
        crop: the part of each frame that is shown.
        sample: number of the vote; tells repeated questions apart.
    """

    system: str
    before: tuple[Part, ...]
    footages: tuple[tuple[str, Footage], ...]
    form: Form
    crop: Crop | None = None
    sample: int = 0


class Asker:
    """Asks, for one judge; used by many threads at once."""

    def __init__(
        self, name: str, settings: AskSettings, journal: Path | None = None, pictures: bool = True
    ) -> None:
        """Get ready; nothing is sent.

        Args:
            name: the judge's.
            settings: its options.
            journal: file of the run's ledger.
            pictures: whether the model will be shown some.

        Raises:
            UserError: no key, no cache, or the backend cannot be used.
        """
        self.name, self.settings, self.pictures = name, settings, pictures
        self.ledger = Ledger(settings.backend.price, settings.limits, journal)
        self.limiter = Limiter(settings.limits.concurrency)
        self.cache = Cache(Path(settings.cache) if settings.cache else None)
        self._backend: Backend | None = None
        self._lock = threading.Lock()
        self._open: dict[str, tuple[threading.Lock, int]] = {}
        self._answered = False
        self._streak = 0

    @property
    def backend(self) -> Backend:
        """Who is asked; loaded when the first question is."""
        with self._lock:
            if self._backend is None:
                self._backend = load_backend(self.settings.backend, self.name, self.pictures)
            return self._backend

    def ready(self) -> None:
        """Find out whether the backend can be used at all (a key is set, packages are there).

        Raises:
            UserError: it cannot.
        """
        _ = self.backend

    def key(self, ask: Ask) -> str:
        """Identity of a question: everything that its answer depends on."""
        card = self.settings.backend
        parts: list[object] = [
            part.digest if isinstance(part, Picture) else part for part in (ask.system, *ask.before)
        ]
        clips: list[object] = [
            [heading, each.digest, each.plan.model_dump(mode="json")] for heading, each in ask.footages
        ]
        who: dict[str, object] = card.model_dump(
            mode="json", exclude={"price", "timeout", "key_env", "device", "image_tokens"}
        )
        crop: list[object] | None = None if ask.crop is None else list(ask.crop)
        return seeds.key(
            "ask",
            framing.VERSION,
            who,
            self.settings.rubric,
            parts,
            clips,
            ask.form.identity,
            crop,
            ask.sample,
        )

    def known(self, ask: Ask) -> bool:
        """Whether the cache has the answer."""
        return self.cache.get(self.key(ask)) is not None

    def ask(self, ask: Ask) -> Json:
        """The answer: {"answers": what the form read, "shown", "raw", "note", "tokens", "cached"}.

        Raises:
            UnansweredError: there is no valid answer; others may come.
            GenreasonError: nothing can be asked any more.
            UnreadableClipError: a clip cannot be read.
        """
        key = self.key(ask)
        with self._alone(key):
            found = self.cache.get(key)
            if found is not None:
                return {**found, "cached": True}
            answer, usage = self._asked(ask)
            cost = money(usage, self.settings.backend.price)
            self.cache.put(key, answer, self.name, self.settings.backend.model, usage.total, cost)
        return {**answer, "cached": False}

    @contextlib.contextmanager
    def _alone(self, key: str) -> Iterator[None]:
        """Nobody else asks the same at the same time: the second finds the answer of the first."""
        with self._lock:
            lock, users = self._open.get(key, (threading.Lock(), 0))
            self._open[key] = lock, users + 1
        try:
            with lock:
                yield
        finally:
            with self._lock:
                users = self._open[key][1] - 1
                if users:
                    self._open[key] = lock, users
                else:
                    del self._open[key]

    def _asked(self, ask: Ask) -> tuple[Json, Usage]:
        plan = ask.footages[0][1].plan if ask.footages else self.settings.frames
        last, refused = 0, ""
        for i, most in enumerate([plan.most, *plan.shrink]):
            messages, shown, count = self.messages(ask, most)
            if i and count >= last:  # the clip has no more frames than that
                continue
            last = count
            try:
                answers, raw, usage = self._conversation(ask, messages, count)
            except ContextError as error:
                refused = str(error)
                continue
            note = f"too many frames for the model's context: {count} shown" if i else ""
            found = {"answers": answers, "shown": shown, "raw": raw[:_RAW], "note": note}
            return {**found, "tokens": usage.total}, usage
        raise UnansweredError(f"the request is too long for the model even with {last} frames: {refused}")

    def messages(self, ask: Ask, most: int) -> tuple[list[Message], list[Json], int]:
        """The conversation that asks, what it shows of each clip, and the number of frames."""
        parts: list[Part] = list(ask.before)
        shown, count = [], 0
        for heading, footage in ask.footages:
            if footage.plan.order == "none":
                continue
            found = footage.shown(most, ask.crop)
            if heading:
                parts.append(heading)
            for number, (picture, seconds) in enumerate(
                zip(found.pictures, found.seconds, strict=True), start=1
            ):
                parts += [f"Frame {number} ({seconds:.2f} s):", picture]
            shown.append(found.to_json())
            count += len(found.pictures)
        parts.append(ask.form.instructions(count))
        system = [Message("system", (ask.system,))] if ask.system else []
        return [*system, Message("user", tuple(parts))], shown, count

    def _conversation(self, ask: Ask, messages: list[Message], count: int) -> tuple[Json, str, Usage]:
        """Ask, and have an invalid reply mended."""
        total, what, repairs = Usage(), "answer", self.settings.limits.repairs
        for _ in range(repairs + 1):
            reply = self._called(messages, ask, what)
            total = Usage(
                total.input + reply.usage.input,
                total.cached + reply.usage.cached,
                total.output + reply.usage.output,
            )
            if not reply.text.strip():
                raise RefusedError("the model gave an empty answer")
            try:
                return ask.form.read(reply, count), reply.text, total
            except InvalidReplyError as error:
                reason = f"the reply was cut off after {self.settings.backend.max_tokens} tokens: " * (
                    reply.finish == "length"
                ) + str(error)
            wrong = f"Your reply cannot be used: {reason}. Reply again with the JSON alone."
            messages = [*messages, Message("assistant", (reply.text,)), Message("user", (wrong,))]
            what = "repair"
        again = f" after {repairs} repairs" if repairs else ""
        raise UnansweredError(f"the reply is invalid{again}: {reason}", reply.text[:_RAW])

    def _called(self, messages: list[Message], ask: Ask, what: str) -> Reply:
        """One call, tried again while the endpoint is busy."""
        try:
            reply = tenacity.Retrying(
                retry=tenacity.retry_if_exception_type(BusyError),
                stop=self._enough,
                wait=self._wait,
                reraise=True,
            )(self._once, messages, ask, what)
        except BusyError as error:
            raise self._given_up(error) from None
        with self._lock:
            self._answered, self._streak = True, 0
        return reply

    def _once(self, messages: list[Message], ask: Ask, what: str) -> Reply:
        most = self.estimate(messages)
        backend = self.backend
        with self.limiter.slot(), self.ledger.promise(most):
            start = time.monotonic()
            try:
                reply = backend.complete(messages, ask.form.schema, ask.sample)
            except BusyError as error:
                self.ledger.record(Usage(), time.monotonic() - start, "failure")
                self.limiter.failed(error.throttled, error.retry_after)
                raise
            except (UnansweredError, ContextError):
                self.ledger.record(Usage(), time.monotonic() - start, "failure")
                raise
            self.ledger.record(reply.usage, time.monotonic() - start, what)
        self.limiter.succeeded()
        return reply

    def estimate(self, messages: list[Message]) -> Usage:
        """The most tokens that a call takes: three characters a token, and the longest reply."""
        each = self.settings.backend.image_tokens
        tokens = 0
        for part in (part for message in messages for part in message.parts):
            if isinstance(part, Picture):
                tokens += each or -(-part.size[0] // 28) * -(-part.size[1] // 28)
            else:
                tokens += len(part) // 3 + 4
        return Usage(tokens, 0, self.settings.backend.max_tokens)

    def _enough(self, state: tenacity.RetryCallState) -> bool:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, BusyError) and error.unreachable and not self._answered:
            return state.attempt_number >= min(_FEW, self.settings.limits.attempts)
        return state.attempt_number >= self.settings.limits.attempts

    def _wait(self, state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.retry_after if isinstance(error, BusyError) else None
        growing = tenacity.wait_random_exponential(multiplier=self.settings.limits.wait, max=_LONGEST_WAIT)
        return float(asked if asked is not None else growing(state))

    def _given_up(self, error: BusyError) -> Exception:
        where = self.settings.backend.base_url
        with self._lock:
            self._streak += 1
            answered, streak = self._answered, self._streak
        if error.unreachable and not answered:
            return UserError(f"judge {self.name}: {where} does not answer ({error}): is the server running?")
        if streak >= _STREAK:
            return EndpointError(
                f"judge {self.name}: {where} has not answered {streak} questions in a row (last: {error}): "
                "what was answered was kept"
            )
        tried = self.settings.limits.attempts
        return UnansweredError(f"no answer after {tried} attempts: {error}")

    def close(self) -> None:
        """Close the cache."""
        self.cache.close()
