"""The report in a real browser: it opens without network, plays, filters and seeks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from report_fixture import write_all

from genreason.report import write_report

CHROMIUM = Path("/usr/bin/chromium")
ARGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync"
)
if not CHROMIUM.exists() and os.environ.get("GENREASON_REQUIRE_BROWSER") != "1":
    pytest.skip(f"{CHROMIUM} is not installed (apt-get install chromium)", allow_module_level=True)

FRAME = 1 / 24


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGS.split())
        yield found
        found.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("browser")
    return write_report(write_all(root), root / "out")


@pytest.fixture
def page(browser: Any, report: Path) -> Iterator[Any]:
    """The open report; afterwards nothing may have gone wrong and nothing may have left the machine."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    found = context.new_page()
    trouble: list[str] = []
    found.on("console", lambda message: message.type in ("error", "warning") and trouble.append(message.text))
    found.on("pageerror", lambda error: trouble.append(str(error)))
    requests: list[str] = []
    found.on("request", lambda request: requests.append(request.url))
    found.goto(report.as_uri())
    until(found, "player.videos().length === 2 && player.duration > 0")
    yield found
    context.close()
    assert not trouble
    assert {url.split(":")[0] for url in requests} <= {"file", "blob", "data"}


def until(page: Any, condition: str, seconds: float = 15) -> None:
    """Poll from outside: playwright's own wait evaluates text in the page, which its policy forbids."""
    for _ in range(int(seconds / 0.02)):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(20)
    raise AssertionError(f"not within {seconds} s: {condition}")


def times(page: Any) -> list[float]:
    found: list[float] = page.evaluate("[player.clip.currentTime, player.truth.currentTime]")
    return found


def test_both_videos_play_in_step(page: Any) -> None:
    page.select_option("#filters [name=run]", label="oracle")
    until(page, "player.videos().length === 2 && player.clip.readyState >= 3 && player.truth.readyState >= 3")
    page.click("#play")
    until(page, "player.clip.currentTime > 0.3")
    early = times(page)
    until(page, "player.clip.currentTime > 1.2")
    late = times(page)
    assert late[0] > early[0] and late[1] > early[1]
    assert abs(late[0] - late[1]) <= 2 * FRAME
    assert page.get_attribute("#play", "aria-label") == "Pause"
    until(page, "!player.playing")  # it stops by itself at the end
    assert times(page)[0] == pytest.approx(page.evaluate("player.duration"), abs=FRAME)
    page.click("#play")
    until(page, "player.playing && player.time < 1")


def test_filters_narrow_the_list_and_reset(page: Any) -> None:
    assert page.locator("#rows button").count() == 32
    page.select_option("#filters [name=run]", label="wanderer")
    page.select_option("#filters [name=status]", "fail")
    page.select_option("#filters [name=check]", "rules.legal")
    assert page.locator("#rows button").count() == 4
    assert page.inner_text("#count") == "4 of 32 clips"
    assert "in the wall" in page.inner_text("#violations")
    page.fill("#filters [name=text]", "cell (3, 5)")
    assert page.locator("#rows button").count() == 2
    page.fill("#filters [name=text]", "no such clip")
    assert page.locator("#rows").inner_text() == "No clip matches these filters."
    assert page.locator("#viewer").is_hidden()
    page.click("#filters [type=reset]")
    until(page, "document.querySelectorAll('#rows button').length === 32")
    assert page.locator("#viewer").is_visible()


def test_a_violation_seeks_and_its_mark_appears_at_its_time(page: Any) -> None:
    page.select_option("#filters [name=check]", "rules.legal")
    until(page, "player.videos().length === 2 && player.duration > 0")
    assert page.locator("#overlay .spot").count() == 0
    page.locator("#violations button").first.click()
    assert page.evaluate("player.frame()") == 12
    until(page, "!player.clip.seeking && !player.truth.seeking")
    assert times(page) == pytest.approx([12.5 / 24] * 2, abs=FRAME)
    assert page.locator("#overlay .spot").count() == 1
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("player.frame()") == 11
    assert page.locator("#overlay .spot").count() == 0
    page.keyboard.press("ArrowRight")
    assert page.locator("#overlay .spot").count() == 1


def test_the_track_grows_and_follows_the_letterbox(page: Any) -> None:
    page.select_option("#filters [name=check]", "objects.continuous")
    until(page, "player.videos().length === 2 && player.clip.videoWidth === 192")
    assert page.get_attribute("#overlay", "viewBox") == "0 0 192 128"
    start = page.get_attribute("#overlay .line", "d")
    page.evaluate("player.seekFrame(18)")
    path = page.get_attribute("#overlay .line", "d")
    assert len(path) > len(start) and path.count("M") == 2  # broken where the object was not seen
    x, y = page.evaluate("player.evidence.track.agent[18]")
    centre = [float(page.get_attribute("#overlay ellipse", name)) for name in ("cx", "cy")]
    assert centre == pytest.approx([x + 32, y])
    page.uncheck("#show")
    assert page.locator("#overlay > *").count() == 0


def test_keyboard_plays_and_turns_samples(page: Any) -> None:
    first = page.inner_text("#v-title")
    page.keyboard.press("j")
    assert page.inner_text("#v-title") != first
    page.keyboard.press("k")
    assert page.inner_text("#v-title") == first
    until(page, "player.videos().length === 2")
    page.keyboard.press("Space")
    until(page, "player.playing && player.time > 0.1")
    page.keyboard.press("Space")
    assert page.evaluate("player.playing") is False


def test_a_broken_check_leads_to_its_clips(page: Any) -> None:
    page.locator(".panel:not([hidden]) [data-filter-check='objects.continuous']").click()
    until(page, "document.querySelectorAll('#rows button').length === 4")
    page.select_option("#breakdown [data-pick-run]", label="still")
    assert page.locator("#failures .panel:visible").inner_text().count("the disc is not on the ring") == 1


@pytest.mark.parametrize("width", [360, 820])
def test_nothing_overflows_on_narrow_screens(page: Any, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_sample_has_its_own_address(page: Any) -> None:
    page.locator("#rows button").nth(5).click()
    title = page.inner_text("#v-title")
    page.reload()
    until(page, "player.videos().length === 2")
    assert page.inner_text("#v-title") == title


def test_linked_clips_play_too(browser: Any, report: Path) -> None:
    folder = report.parent.parent
    linked = write_report([folder / "model"], folder / "linked", max_embed_mb=0)
    context = browser.new_context()
    found = context.new_page()
    found.goto(linked.as_uri())
    until(found, "player.videos().length === 2")
    found.keyboard.press("Space")
    until(found, "player.clip.currentTime > 0.2")
    assert found.evaluate("player.videos().every(v => !v.paused && v.videoWidth > 0)")
    context.close()
