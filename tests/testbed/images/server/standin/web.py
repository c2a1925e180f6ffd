"""What the three HTTP servers share."""

import http.server


class Handler(http.server.BaseHTTPRequestHandler):
    """Keeps connections open, reads whole bodies, logs through the process's logger."""

    protocol_version = "HTTP/1.1"
    log = None

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def answer(self, status, content, content_type):
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format, *args):
        self.log.info("%s %s", self.address_string(), format % args)


class Server(http.server.ThreadingHTTPServer):
    """A thread for each connection; a port that was just left may be taken again."""

    daemon_threads = True
    request_queue_size = 128


def serve(handler, port, log):
    """Serves on every address until the process is ended."""
    handler.log = log
    with Server(("", port), handler) as server:
        log.info("listening on port %s", port)
        server.serve_forever()
