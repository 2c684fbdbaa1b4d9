"""Take pictures of pages of the built site, for people to look at.

python docs/checks/screenshots.py --out _runs/shots                      six pages
python docs/checks/screenshots.py --out _runs/shots nbs/03_faces.html    some pages

Each page is taken at desktop and phone size, light and dark: `<page>.<size>.<scheme>.png`.
"""

import argparse, sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import site_browser, site_links, site_pages, site_server  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
PAGES = (*site_pages.LOOKED_AT, "search.html?q=AU12")
SCHEMES = ("light", "dark")
SIZES = {"desktop": site_browser.DESKTOP, "phone": site_browser.PHONE}


def options(arguments=None):
    "Return the options of the command line"
    parser = argparse.ArgumentParser(description="Take pictures of pages of the built site.")
    parser.add_argument("pages", nargs="*", default=PAGES, help="addresses relative to the site")
    parser.add_argument("--site", type=Path, default=ROOT / "_docs/html", help="the built site")
    parser.add_argument("--out", type=Path, default=ROOT / "_runs/shots", help="folder to fill")
    parser.add_argument("--height", type=int, default=3600, help="of a picture at most, in pixels")
    parser.add_argument("--start", type=int, default=0, help="pixels of the page to leave out")
    parser.add_argument("--size", action="append", choices=SIZES, help="one size only")
    parser.add_argument("--scheme", action="append", choices=SCHEMES, help="one scheme only")
    return parser.parse_args(arguments)


def take(browser, address, path, chosen):
    "Write the pictures of one page; return their paths"
    written = []
    name = path.partition("?")[0].removesuffix(".html").replace("/", "-")
    for size in chosen.size or SIZES:
        for scheme in chosen.scheme or SCHEMES:
            box = SIZES[size]
            context = site_browser.open_context(browser, address, size=box, scheme=scheme)
            page = context.new_page()
            answer = page.goto(address + path, wait_until="load")
            if answer.status >= 400:
                sys.exit(f"The site has no page {path}.")
            page.evaluate(site_browser.MEASURE)
            if "?" in path:
                page.wait_for_function("document.body.innerText.includes('Search finished')")
            full = page.evaluate("document.scrollingElement.scrollHeight")
            start = min(chosen.start, max(full - box["height"], 0))
            height = max(min(full - start, chosen.height), box["height"])
            clip = {"x": 0, "y": start, "width": box["width"], "height": height}
            written.append(chosen.out / f"{name}.{size}.{scheme}.png")
            page.screenshot(path=written[-1], clip=clip, full_page=True)
            context.close()
    return written


def main():
    "Take the pictures that the command line asks for"
    chosen = options()
    if not (chosen.site / "index.html").is_file():
        sys.exit(f"No built site in {chosen.site}. Remedy: make docs")
    chosen.out.mkdir(parents=True, exist_ok=True)
    base = site_links.read_project(ROOT).base
    with site_server.serve(chosen.site, base) as address, site_browser.open_browser() as browser:
        for path in chosen.pages:
            for picture in take(browser, address, path, chosen):
                print(picture)


if __name__ == "__main__":
    main()
