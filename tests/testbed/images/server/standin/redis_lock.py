"""Redis over a plain socket (RESP), and the lock in it that keeps two API servers from initialising the same databases."""

import contextlib
import socket
import time


class RedisError(Exception):
    """Redis answered with an error."""


class Redis:
    """One connection, for the few commands needed here."""

    def __init__(self, address):
        self._socket = socket.create_connection(address, timeout=30)
        self._stream = self._socket.makefile("rb")

    def command(self, *words):
        """Sends one command and returns a simple, integer or bulk answer, or a list of such."""
        parts = [str(word).encode() for word in words]
        self._socket.sendall(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts))
        return self._answer()

    def _answer(self):
        line = self._stream.readline().rstrip(b"\r\n")
        kind, rest = line[:1], line[1:]
        if kind == b"-" or not line:
            raise RedisError(rest.decode() or "connection closed")
        if kind == b"*":
            return [self._answer() for _ in range(int(rest))]
        if kind != b"$":
            return rest.decode()
        if rest == b"-1":
            return None
        return self._stream.read(int(rest) + 2)[:-2].decode()

    def close(self):
        self._stream.close()
        self._socket.close()


@contextlib.contextmanager
def held(redis, name, timeout):
    """Holds the lock while the block runs. It expires by itself: a killed server makes the next one wait up to `timeout` s."""
    key = f"redis_lock_{name}"
    deadline = time.monotonic() + timeout
    while redis.command("SET", key, "1", "EX", timeout, "NX") is None:
        if time.monotonic() > deadline:
            raise RedisError(f"could not acquire the lock {key} in {timeout} seconds")
        time.sleep(1)
    try:
        yield
    finally:
        redis.command("DEL", key)
