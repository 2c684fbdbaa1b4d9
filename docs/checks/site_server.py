"""Serve the built site on this machine below its base path, as GitHub Pages does."""

import sys, threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer


class Handler(SimpleHTTPRequestHandler):
    "Serve files below a base path; everything else is 404"

    extensions_map = {
        **SimpleHTTPRequestHandler.extensions_map,
        ".js": "text/javascript; charset=utf-8",
        ".mjs": "text/javascript; charset=utf-8",
        ".css": "text/css; charset=utf-8",
        ".html": "text/html; charset=utf-8",
        ".svg": "image/svg+xml",
        ".woff2": "font/woff2",
        ".wasm": "application/wasm",
        ".ipynb": "application/json",
    }

    def __init__(self, *arguments, base, **options):
        self.base = base
        super().__init__(*arguments, **options)

    def translate_path(self, path):
        if not path.startswith(self.base):
            return super().translate_path("/no such file/" + path)
        return super().translate_path("/" + path[len(self.base) :])

    def list_directory(self, path):
        self.send_error(404, "File not found")

    def log_message(self, *arguments):
        "Stay silent"


class Server(ThreadingHTTPServer):
    "A server whose threads end with it, and which ignores a browser that leaves early"

    daemon_threads = True

    def handle_error(self, request, client_address):
        "Stay silent about connections that the browser closed; show the rest"
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def serve(site, base="/fer_course/"):
    "Serve a folder on a free port; give the address of its first page's folder"
    handler = partial(Handler, directory=str(site), base=base)
    server = Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}{base}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
