"""How long the page takes to show an answer that has arrived: ``python tests/service/web/measure_first_answer.py``.

Start the service first (`make serve`, or name its address). The page is loaded anew for each question; measured is the
time from the last byte of the answer to the frame after the whole answer stands, in the browser's own clock.
"""

from __future__ import annotations

import shutil
import statistics
import sys
from urllib.parse import quote

from playwright.sync_api import Page, sync_playwright

QUESTION = "昌平论坛上集中签约了多少个重磅项目？"
LOADS = 20
WATCH = """
const asked = window.fetch;
window.times = {};
window.fetch = async (...call) => {
  const answer = await asked(...call);
  if (String(call[0]).endsWith('/v1/ask')) {
    answer.clone().text().then(() => { window.times.arrived = performance.now(); });
  }
  return answer;
};
new MutationObserver(() => {
  if (window.times.shown || !document.querySelector('.actions')) return;
  requestAnimationFrame(() => setTimeout(() => { window.times.shown ||= performance.now(); }));
}).observe(document, {subtree: true, childList: true});
"""


def main() -> None:
    address = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = chromium.new_page(locale="zh-CN")
        page.add_init_script(WATCH)
        taken = sorted(_load(page, f"{address}/?q={quote(QUESTION)}") for _ in range(LOADS))
        chromium.close()
    print(f"{LOADS} loads: median {statistics.median(taken):.0f} ms, longest {taken[-1]:.0f} ms")


def _load(page: Page, address: str) -> float:
    page.goto(address)
    page.wait_for_selector(".actions")
    # The page's policy allows no script from a string, so no wait_for_function.
    while not page.evaluate("window.times.shown && window.times.arrived"):
        page.wait_for_timeout(20)
    return float(page.evaluate("window.times.shown - window.times.arrived"))


if __name__ == "__main__":
    main()
