"""Asks a node and writes down question and answer."""

import hashlib
import http.client
import json
import urllib.parse

from dialect import spoken

# Longer texts are written down as length and hash: a plot may have megabytes.
LONGEST_TEXT = 400


class Refused(Exception):
    """The node answered with an error, or not at all."""


class Node:
    """A node with its dialect (5 or 7) and the record of what was asked so far."""

    def __init__(self, url, dialect, scroll_pages):
        parts = urllib.parse.urlsplit(url if "//" in url else f"http://{url}")
        self._connection = http.client.HTTPConnection(parts.hostname, parts.port or 9200, timeout=120)
        self._dialect = dialect
        self._scroll_pages = scroll_pages
        self.record = []

    def exists(self, index):
        """What the server asks first of every index: a missing one gives an empty answer."""
        status, _ = self._send("HEAD", f"/{index}", None)
        return status == 200

    def search(self, index, body):
        """One search that is not written down."""
        return self._search(f"/{index}/_search", body)

    def ask(self, kind, about, index, body):
        """One search. Returns the answer with plain numbers; the record keeps those of sources to the letter."""
        answer = self._search(f"/{index}/_search", body)
        self._note(kind, about, index, body, answer)
        return answer

    def ask_scrolling(self, kind, about, index, body):
        """A search and its further pages, at most as many as the node was told to read: one entry with all their hits."""
        answer = page = self._search(f"/{index}/_search?scroll=1h", body)
        for _ in range(self._scroll_pages - 1):
            page = self._search("/_search/scroll?scroll=1h", {"scroll_id": page["_scroll_id"]})
            if not page["hits"]["hits"]:
                break
            answer["hits"]["hits"] += page["hits"]["hits"]
        self._send("DELETE", "/_search/scroll", {"scroll_id": [page["_scroll_id"]]})
        self._note(kind, about, index, body, answer)

    def _note(self, kind, about, index, body, answer):
        # Where the node was asked for some fields only it writes the source anew; otherwise it gives the very bytes.
        literal = '"_source"' not in json.dumps(body)
        entry = {"kind": kind, "about": about, "index": index, "question": body, "answer": _kept(answer, literal)}
        self.record.append(entry)

    def _search(self, path, body):
        status, answer = self._send("POST", path, spoken(body, self._dialect))
        if status != 200:
            raise Refused(f"POST {path}: {status} {answer[:1000].decode(errors='replace')}")
        parsed = json.loads(answer, parse_float=Literal)
        if parsed.get("timed_out") or parsed.get("_shards", {}).get("failed"):
            raise Refused(f"POST {path}: only a part of the answer: {answer[:500].decode(errors='replace')}")
        return parsed

    def _send(self, method, path, body):
        raw = None if body is None else json.dumps(body).encode()
        try:
            self._connection.request(method, path, raw, {"Content-Type": "application/json"} if raw else {})
            response = self._connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException) as error:
            raise Refused(f"{method} {path}: {error!r}") from error


class Literal(float):
    """A number that remembers how it was written."""

    def __new__(cls, text):
        number = super().__new__(cls, text)
        number.text = text
        return number


def _kept(value, literal, in_source=False):
    if isinstance(value, dict):
        return {key: _kept(part, literal, in_source or key == "_source") for key, part in value.items()}
    if isinstance(value, list):
        return [_kept(part, literal, in_source) for part in value]
    if isinstance(value, Literal):
        return f"number {value.text}" if in_source and literal else float(value)
    if isinstance(value, int) and in_source and not literal and abs(value) >= 2**63:
        # Where 5 writes a source anew it quotes what no `long` can hold; 7 does not.
        return str(value)
    if isinstance(value, str) and in_source and len(value) > LONGEST_TEXT:
        return f"{len(value)} characters, {hashlib.sha256(value.encode('utf-8', 'surrogatepass')).hexdigest()}"
    return value
