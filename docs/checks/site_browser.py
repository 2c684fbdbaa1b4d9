"""Open pages of the built site in headless Chromium, with every other host blocked."""

import os, re
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
REMEDY = (
    "No browser. Remedy: install Chromium (Debian: apt-get install chromium), or run "
    "`.venv/bin/playwright install chromium`, or set CHROMIUM=/path/to/chromium."
)
# Loads lazy pictures too, lets fonts and formulas settle, then measures the page.
MEASURE = """async () => {
  for (const image of document.images) image.loading = "eager";
  await Promise.all([...document.images].map(i => i.decode().catch(() => null)));
  if (window.MathJax && MathJax.startup) await MathJax.startup.promise;
  await document.fonts.ready;
  const limit = innerWidth, article = document.querySelector("article");
  // Also a frame around the whole article must not scroll sideways, or cut it off.
  let wide = document.scrollingElement.scrollWidth;
  for (let e = article; e; e = e.parentElement) {
    if (getComputedStyle(e).overflowX !== "visible")
      wide = Math.max(wide, limit + e.scrollWidth - e.clientWidth);
  }
  const clipped = e => {
    for (let p = e.parentElement; p && !p.contains(article); p = p.parentElement) {
      if (getComputedStyle(p).overflowX !== "visible") return true;
    }
    return false;
  };
  const name = e => e.tagName.toLowerCase() + (e.id ? "#" + e.id : "") +
    [...e.classList].map(c => "." + c).join("");
  const culprits = wide <= limit + 1 ? [] : [...document.body.querySelectorAll("*")]
    .filter(e => e.getBoundingClientRect().right > limit + 1 && !clipped(e))
    .slice(0, 4).map(name);
  const rendered = e => {
    const kinds = "mjx-container, math, svg, img";
    const shape = e.matches(kinds) ? e : e.querySelector(kinds);
    const box = shape && shape.getBoundingClientRect();
    const failed = e.querySelector("merror, mjx-merror");
    return Boolean(box && box.width > 0 && box.height > 0 && !failed);
  };
  const closed = e => e.closest("details:not([open])") !== null;
  const formulas = [...document.querySelectorAll(".math, math, mjx-container")]
    .filter(e => !e.parentElement.closest(".math, math, mjx-container") && !closed(e));
  return {
    width: wide,
    culprits,
    broken: [...document.images].filter(i => i.naturalWidth === 0).map(i => i.src.slice(0, 120)),
    pictures: document.images.length,
    formulas: formulas.length,
    unrendered: formulas.filter(e => !rendered(e)).map(e => e.textContent.slice(0, 60)),
    text: document.body.innerText,
  };
}"""


@dataclass
class Visit:
    "What the browser met on one page"

    page: str
    size: int = 0  # bytes of the page and of everything it loaded, before compression
    outside: list[str] = field(default_factory=list)  # requests to other hosts
    failed: list[str] = field(default_factory=list)  # responses of 400 or more, and none
    errors: list[str] = field(default_factory=list)  # console errors and exceptions
    measured: dict = field(default_factory=dict)


def browser_path(own):
    "Return the Chromium to use: $CHROMIUM, Playwright's own if it was installed, the system's"
    if chosen := os.environ.get("CHROMIUM"):
        if not Path(chosen).is_file():
            raise RuntimeError(f"CHROMIUM={chosen} is not a file. {REMEDY}")
        return chosen
    found = (own, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
    if path := next((path for path in found if Path(path).is_file()), None):
        return path
    raise RuntimeError(REMEDY)


@contextmanager
def open_browser():
    "Give a headless Chromium; raise RuntimeError with the remedy if it cannot start"
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        raise RuntimeError("Playwright is missing. Remedy: pip install '.[docs-test]'") from None
    with sync_playwright() as playwright:
        path = browser_path(playwright.chromium.executable_path)
        try:
            browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        except Error as error:
            raise RuntimeError(f"{REMEDY}\n{str(error)[:600]}") from None
        yield browser
        browser.close()


def open_context(browser, address, *, size=DESKTOP, scheme="light", javascript=True):
    "Return a context in which only the server at `address` can be reached"
    context = browser.new_context(
        viewport=size,
        color_scheme=scheme,
        java_script_enabled=javascript,
        service_workers="block",
        has_touch=size is PHONE,
        reduced_motion="reduce",
    )
    host = re.escape(re.match(r"https?://[^/]+/", address)[0])
    context.route(re.compile(rf"^(?!{host})"), lambda route: route.abort())
    context.set_default_timeout(60_000)  # a loaded machine is slow
    return context


def watch(page, visit, address):
    "Record requests and errors of a page in `visit`; return a function that stops it"
    host = re.match(r"https?://[^/]+/", address)[0]

    def asked(request):
        if not request.url.startswith((host, "data:", "blob:")):
            visit.outside.append(request.url[:200])

    def answered(response):
        visit.size += int(response.headers.get("content-length", 0))
        if response.status >= 400:
            visit.failed.append(f"{response.status} {response.url}")

    def failed(request):
        if request.url.startswith(host) and request.failure != "net::ERR_ABORTED":  # left early
            visit.failed.append(f"{request.failure} {request.url}")

    def said(message):
        if message.type == "error":
            visit.errors.append(message.text[:300])

    events = {
        "request": asked,
        "response": answered,
        "requestfailed": failed,
        "console": said,
        "pageerror": lambda error: visit.errors.append(str(error)[:300]),
        "websocket": lambda socket: visit.outside.append(socket.url),
    }
    for event, listener in events.items():
        page.on(event, listener)

    def stop():
        for event, listener in events.items():
            page.remove_listener(event, listener)

    return stop


def visit_page(page, address, path):
    "Open one page in the tab `page` and return its `Visit`"
    visit = Visit(path)
    stop = watch(page, visit, address)
    page.goto(address + path, wait_until="load")
    visit.measured = page.evaluate(MEASURE)
    stop()
    return visit


def axe_complaints(path, violations):
    "Return one complaint for each violation of serious or critical impact"
    found = []
    for violation in violations:
        if violation["impact"] not in ("serious", "critical"):
            continue
        for node in violation["nodes"]:
            target = ", ".join(map(str, node["target"]))
            summary = " ".join(node["failureSummary"].split())
            rule = f"{violation['id']} ({violation['impact']})"
            found.append(f"{rule} on {path}: {target}: {summary[:300]}")
    return found
