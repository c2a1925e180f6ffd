"""The web server: one page that names the release, and the two servers behind it, as nginx has them."""

import http.client
import os
import socket
import urllib.parse

from .web import Handler, serve

PORT = 80
# Path, name that is taken for granted, port, and the variable that says another address.
UPSTREAMS = (
    ("/api", "apiserver", 8008, "NGINX_APISERVER_ADDRESS"),
    ("/files", "fileserver", 8081, "NGINX_FILESERVER_ADDRESS"),
)


class StartError(Exception):
    """An upstream of the configuration has no address."""


class PageHandler(Handler):
    """GET / and what is passed on."""

    page = b""
    upstreams = {}

    def do_GET(self):
        path = self.path.partition("?")[0]
        for prefix, address in self.upstreams.items():
            if path.startswith(prefix + "/"):
                self._pass_on(address, self.path.removeprefix(prefix))
                return
        if path in ("/", "/index.html"):
            self.answer(200, self.page, "text/html; charset=utf-8")
        else:
            self.answer(404, b"not found\n", "text/plain")

    do_HEAD = do_GET

    def do_POST(self):
        self.do_GET()

    def _pass_on(self, address, path):
        kept = ("Authorization", "Content-Type")
        headers = {name: value for name in kept if (value := self.headers.get(name))}
        connection = http.client.HTTPConnection(*address, timeout=60)
        try:
            connection.request(self.command, path, self.body(), headers)
            response = connection.getresponse()
            self.answer(response.status, response.read(), response.headers.get("Content-Type", "text/plain"))
        except (OSError, http.client.HTTPException) as error:
            self.log.error("%s:%s: %s", *address, error)
            self.answer(502, b"bad gateway\n", "text/plain")
        finally:
            connection.close()


def resolved(host, port):
    """The address of a host, looked up once, when the server starts."""
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][4][:2]
    except OSError as error:
        raise StartError(f'[emerg] host not found in upstream "{host}"') from error


def upstream(name, port, variable):
    """Whether the variable is read is known of 2.0.0 and not of 1.1.1: the name must resolve in any case."""
    usual = resolved(name, port)
    url = urllib.parse.urlsplit(os.environ.get(variable) or f"http://{name}:{port}")
    return usual if url.hostname == name else resolved(url.hostname, url.port or 80)


def run(release, settings, log):
    """Since ClearML 1.0 the page's server forwards to two others, and does not start unless their names resolve."""
    if not release.typed_elastic:
        PageHandler.upstreams = {path: upstream(*rest) for path, *rest in UPSTREAMS}
    title = f"{release.product} Server {release.version}"
    PageHandler.page = f"<!doctype html><title>{title}</title><h1>{title}</h1>\n".encode()
    serve(PageHandler, PORT, log)
