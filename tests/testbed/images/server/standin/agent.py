"""The services agent: says what it would use, and stays up while the API server can be reached."""

import http.client
import os
import time
import urllib.parse

PATIENCE_SECONDS = 120
SECRETS = ("SECRET", "PASS", "KEY")


class ApiUnreachable(Exception):
    """No answer from the API server for as long as the agent waits."""


def run(release, settings, log):
    """Asks the API host every few seconds; ends after two minutes without any answer."""
    names = _variables(release)
    for name, value in sorted(names.items()):
        hidden = any(word in name for word in SECRETS)
        log.info("using %s=%s", name, "(hidden)" if value and hidden else value)
    url = _setting(release, names, "API_HOST")
    if not url:
        raise ApiUnreachable(f"{release.prefixes[-1]}_API_HOST is not set")
    last = time.monotonic()
    reached = False
    while time.monotonic() - last < PATIENCE_SECONDS:
        if _answers(url):
            if not reached:
                log.info("API server %s answers, waiting for work", url)
            reached, last = True, time.monotonic()
        time.sleep(10 if reached else 2)
    raise ApiUnreachable(f"API server {url} did not answer for {PATIENCE_SECONDS} seconds")


def _variables(release):
    prefixes = tuple(f"{prefix}_" for prefix in release.prefixes)
    return {name: value for name, value in os.environ.items() if name.startswith(prefixes)}


def _setting(release, names, name):
    for prefix in reversed(release.prefixes):
        if value := names.get(f"{prefix}_{name}"):
            return value
    return None


def _answers(url):
    """Any HTTP answer will do: 0.15.1 has no method that says just "here"."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port or 80, timeout=5)
    try:
        connection.request("GET", "/server.info")
        connection.getresponse().read()
        return True
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
