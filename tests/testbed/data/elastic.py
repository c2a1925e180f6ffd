"""A connection to one Elasticsearch node: requests that must succeed, and `_bulk` that is tried again when the node is busy."""

import http.client
import json
import time
import urllib.parse


class ElasticError(Exception):
    """The node refused a request, or could not be reached."""


class Elastic:
    """One keep-alive connection. Not for use by several threads."""

    def __init__(self, url, timeout=300):
        self.url = url
        parts = urllib.parse.urlsplit(url if "//" in url else f"http://{url}")
        self._connection = http.client.HTTPConnection(parts.hostname, parts.port or 9200, timeout=timeout)

    def request(self, method, path, body=None, accept=(200, 201), content_type="application/json"):
        """Sends `body` (bytes as they are, anything else as JSON) and returns the answer as a value.

        A status that is not in `accept` raises ElasticError with what the node said.
        """
        raw = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        status, answer = self._send(method, path, raw, content_type)
        if status not in accept:
            raise ElasticError(f"{method} {self.url}{path}: {status} {answer[:2000].decode(errors='replace')}")
        return json.loads(answer) if answer else None

    def bulk(self, body):
        """Sends one `_bulk` body (bytes) until the node has taken all of it.

        Sending a whole body again is harmless: every operation names its document.
        """
        pause = 0.2
        while True:
            # Only failures are listed in the answer: cheap to read when there are none.
            path = "/_bulk?filter_path=errors,items.*.error,items.*.status"
            status, answer = self._send("POST", path, body, "application/x-ndjson")
            if status == 200 and b'"errors":false' in answer[:100]:
                return
            if status == 200:
                outcomes = [o for item in json.loads(answer)["items"] for o in item.values() if "error" in o]
                busy = all(o["status"] in (429, 503) for o in outcomes)
                reason = json.dumps(next((o for o in outcomes if o["status"] not in (429, 503)), outcomes[:1]))
            else:
                busy, reason = status in (429, 503), answer[:2000].decode(errors="replace")
            if not busy or pause > 60:
                raise ElasticError(f"_bulk on {self.url}: {reason}")
            time.sleep(pause)
            pause *= 2

    def _send(self, method, path, raw, content_type):
        headers = {"Content-Type": content_type} if raw is not None else {}
        try:
            self._connection.request(method, path, raw, headers)
            response = self._connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise ElasticError(f"{method} {self.url}{path}: {error!r}") from error
