"""The file server: what tasks upload, served from one directory."""

import email.parser
import email.policy
import json
import mimetypes
import os
import pathlib
import urllib.parse

from .web import Handler, serve

PORT = 8081


class FileHandler(Handler):
    """GET /path; POST / with a multipart form whose field names are the paths to store under."""

    root = pathlib.Path("/mnt/fileserver")

    def do_GET(self):
        path = self._inside(urllib.parse.unquote(urllib.parse.urlsplit(self.path).path))
        if path is None or not path.is_file():
            self.answer(404, b"not found\n", "text/plain")
            return
        self.answer(200, path.read_bytes(), mimetypes.guess_type(path.name)[0] or "application/octet-stream")

    do_HEAD = do_GET

    def do_POST(self):
        files = self._uploads()
        targets = {name: self._inside(name) for name in files}
        if not files or None in targets.values():
            self.answer(400, b"a multipart form with paths as field names is expected\n", "text/plain")
            return
        for name, content in files.items():
            targets[name].parent.mkdir(parents=True, exist_ok=True)
            targets[name].write_bytes(content)
        self.answer(200, json.dumps(list(files)).encode(), "application/json")

    def _uploads(self):
        """The contents by field name; empty where the body is no form."""
        head = f"Content-Type: {self.headers.get('Content-Type', '')}\r\n\r\n".encode()
        form = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + self.body())
        if not form.is_multipart():
            return {}
        parts = ((part.get_param("name", header="content-disposition"), part) for part in form.iter_parts())
        return {name: part.get_payload(decode=True) for name, part in parts if name}

    def _inside(self, name):
        """The file below the root, or None for a path that leads out of it."""
        path = (self.root / name.lstrip("/")).resolve()
        return path if path.is_relative_to(self.root.resolve()) else None


def run(release, settings, log):
    """Serves the upload folder of the environment, /mnt/fileserver unless set."""
    for prefix in reversed(release.prefixes):
        if folder := os.environ.get(f"{prefix}_UPLOAD_FOLDER"):
            FileHandler.root = pathlib.Path(folder)
            break
    serve(FileHandler, PORT, log)
