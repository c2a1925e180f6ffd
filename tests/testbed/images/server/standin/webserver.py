"""The web server: one page that names the release. It proxies nothing, but needs what nginx would need to start."""

import socket

from .web import Handler, serve

PORT = 80
UPSTREAMS = ("apiserver", "fileserver")


class StartError(Exception):
    """An upstream of the configuration has no address."""


class PageHandler(Handler):
    """GET / and nothing else."""

    page = b""

    def do_GET(self):
        if self.path.partition("?")[0] in ("/", "/index.html"):
            self.answer(200, self.page, "text/html; charset=utf-8")
        else:
            self.answer(404, b"not found\n", "text/plain")

    do_HEAD = do_GET


def run(release, settings, log):
    """Since ClearML 1.0 the page's server forwards to two others, and does not start unless their names resolve."""
    if not release.typed_elastic:
        for name in UPSTREAMS:
            try:
                socket.getaddrinfo(name, None)
            except OSError as error:
                raise StartError(f'[emerg] host not found in upstream "{name}"') from error
    title = f"{release.product} Server {release.version}"
    PageHandler.page = f"<!doctype html><title>{title}</title><h1>{title}</h1>\n".encode()
    serve(PageHandler, PORT, log)
