"""Screenshots of every page, light and dark, in Chinese and English, beside this file.

Start the service over the shipped corpus (`make serve`), then `python docs/screenshots/shoot.py [ADDRESS]`. Needs the
`dev` extra and a chromium. Runs an eval where none was run yet, for the Evals page to show.
"""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path

import httpx
from playwright.sync_api import Browser, Page, sync_playwright

HERE = Path(__file__).parent
SIZE = {"width": 1120, "height": 620}
PHONE = {"width": 390, "height": 720}
LOOKS = [("zh", "zh-CN", "light"), ("zh", "zh-CN", "dark"), ("en", "en-GB", "light"), ("en", "en-GB", "dark")]
QUESTIONS = {
    "zh": "昌平论坛上集中签约了多少个重磅项目？",
    "en": "What is the theme of the airport-economy biomedicine conference?",
}
READY = {
    "ask": ".actions",
    "source": ".checks .good",
    "articles": "main li, main tbody tr",
    "evals": "main svg",
}


def run_eval(client: httpx.Client) -> None:
    """Have an eval in the history."""
    if client.get("/v1/evals").json()["evals"]:
        return
    identity = client.post("/v1/evals", json={"set": "questions"}).raise_for_status().json()["id"]
    while client.get(f"/v1/evals/{identity}").json()["state"] not in ("done", "failed"):
        time.sleep(1)


def addresses(client: httpx.Client, language: str) -> dict[str, str]:
    question = QUESTIONS[language]
    cited = client.post("/v1/search", json={"query": question}).raise_for_status().json()["hits"][0]["citation"]
    span = f"start={cited['start']}&end={cited['end']}&sha256={cited['sha256']}"
    source = f"/documents/{cited['document_id']}?{span}"
    return {"ask": f"/?q={question}", "source": source, "articles": "/articles", "evals": "/evals"}


def shoot(page: Page, address: str, ready: str, name: str) -> None:
    page.goto(address)
    page.wait_for_selector(ready)
    page.wait_for_load_state("networkidle")
    # The figures of an eval stand below its form.
    page.screenshot(path=HERE / f"{name}.png", full_page=name.startswith("evals"))
    print(name)


def look(browser: Browser, client: httpx.Client, language: str, locale: str, scheme: str) -> None:
    place = {"base_url": str(client.base_url), "locale": locale, "color_scheme": scheme}
    with browser.new_context(**place, viewport=SIZE) as context:  # type: ignore[arg-type]
        page = context.new_page()
        for name, address in addresses(client, language).items():
            shoot(page, address, READY[name], f"{name}-{language}-{scheme}")
    if (language, scheme) in (("zh", "light"), ("en", "dark")):
        with browser.new_context(**place, viewport=PHONE, has_touch=True) as context:  # type: ignore[arg-type]
            shoot(context.new_page(), addresses(client, language)["ask"], READY["ask"], f"phone-{language}-{scheme}")


def main(address: str) -> None:
    chromium = next(found for name in ("chromium", "google-chrome") if (found := shutil.which(name)))
    with httpx.Client(base_url=address, timeout=120) as client, sync_playwright() as playwright:
        run_eval(client)
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for language, locale, scheme in LOOKS:
            look(browser, client, language, locale, scheme)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000")
