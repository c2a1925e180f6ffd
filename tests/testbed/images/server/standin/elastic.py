"""Elasticsearch over plain HTTP, in the dialect of the client that a release was built with."""

import http.client
import json
import urllib.parse


class Unreachable(Exception):
    """The node does not accept connections."""


class Refused(Exception):
    """The node answered with an error."""

    def __init__(self, status, kind, reason):
        super().__init__(f"{status}, {kind!r}, {reason!r}")
        self.status = status


class Elastic:
    """One node. A connection per request, so that it may be used by several threads and outlive restarts of the node."""

    def __init__(self, address, typed):
        self.address = address
        self.typed = typed
        # Order of buckets by their key: the word changed in 6.0.
        self.by_key = "_term" if typed else "_key"

    def request(self, method, path, body=None, content_type="application/json", **parameters):
        """Sends JSON (or bytes as they are) and returns the answer as a value; Unreachable or Refused otherwise."""
        if parameters:
            path += "?" + urllib.parse.urlencode(parameters)
        raw = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        status, answer = self._send(method, path, raw, {"Content-Type": content_type} if raw else {})
        if status >= 400:
            raise self._refusal(status, answer)
        return json.loads(answer) if answer else None

    def exists(self, index):
        """`HEAD /index`: what the servers do before every events call."""
        status, _ = self._send("HEAD", f"/{index}", None, {})
        if status not in (200, 404):
            raise Refused(status, "head", index)
        return status == 200

    def search(self, index, body, task, **parameters):
        """A search that concerns one task: the old server names its routing."""
        if self.typed:
            parameters["routing"] = task
        return self.request("POST", f"/{index}/_search", body, **parameters)

    def scroll(self, scroll_id):
        return self.request("POST", "/_search/scroll", {"scroll_id": scroll_id}, scroll="1h")

    def bulk_index(self, documents):
        """Indexes (index, type, id, routing, source) and returns the items that were refused."""
        lines = []
        for index, kind, identity, routing, source in documents:
            action = {"_index": index, "_id": identity}
            if self.typed:
                action.update(_type=kind, _routing=routing)
            lines += [json.dumps({"index": action}), json.dumps(source)]
        raw = ("\n".join(lines) + "\n").encode()
        answer = self.request("POST", "/_bulk", raw, content_type="application/x-ndjson", refresh="true")
        return [item["index"] for item in answer["items"] if "error" in item["index"]] if answer["errors"] else []

    def delete_task(self, company, task):
        """Deletes the task's events of every kind; returns how many there were."""
        parameters = {"refresh": "true", **({"routing": task} if self.typed else {})}
        query = {"query": {"term": {"task": task}}}
        return self.request("POST", f"/events-*-{company}/_delete_by_query", query, **parameters)["deleted"]

    def fixed_interval(self, milliseconds):
        """The interval of a date histogram; 7.2 gave it a name that says what it is."""
        return {"interval" if self.typed else "fixed_interval": f"{milliseconds}ms"}

    @staticmethod
    def total(answer):
        """Hits in all: a number up to 6, later an object (which stops counting at 10,000 except when scrolling)."""
        total = answer["hits"]["total"]
        return total["value"] if isinstance(total, dict) else total

    def _send(self, method, path, raw, headers):
        connection = http.client.HTTPConnection(*self.address, timeout=300)
        try:
            connection.request(method, path, raw, headers)
            response = connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(f"{self.address[0]}:{self.address[1]}: {error!r}") from error
        finally:
            connection.close()

    @staticmethod
    def _refusal(status, answer):
        try:
            error = json.loads(answer)["error"]
            causes = error.get("root_cause") or [error]
            return Refused(status, error["type"], causes[0]["reason"])
        except (ValueError, KeyError, TypeError):
            return Refused(status, "error", answer[:500].decode(errors="replace"))
