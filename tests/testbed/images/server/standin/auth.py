"""Who is calling: key and secret, fixed user and password, or a token made from them."""

import base64
import hashlib
import hmac
import json
import time

from . import database as db
from .errors import ApiError

TOKEN_SECONDS = 30 * 24 * 3600


class Authenticator:
    """Checks the `Authorization` header against MongoDB and the configuration."""

    def __init__(self, database, settings):
        self._users = database.auth["user"]
        self._fixed = {user["username"]: user for user in db.fixed_users(settings) or []}
        self.fixed_mode = db.fixed_users(settings) is not None
        self._secret = str(settings.get("secure.auth.token_secret")).encode()

    def identify(self, header):
        """The id of the calling user; ApiError 401 otherwise."""
        scheme, _, value = (header or "").partition(" ")
        if scheme == "Basic":
            return self._by_credentials(value)
        if scheme == "Bearer":
            return self._by_token(value)
        raise ApiError(401, 20, "Unauthorized (missing credentials)")

    def token(self, user):
        """A JSON web token (HS256) for the user."""
        identity = {"user": user, "company": db.COMPANY}
        payload = {"identity": identity, "exp": int(time.time()) + TOKEN_SECONDS}
        signed = f"{_encode({'alg': 'HS256', 'typ': 'JWT'})}.{_encode(payload)}"
        return f"{signed}.{self._signature(signed)}"

    def _by_credentials(self, value):
        try:
            name, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
        except ValueError as error:
            raise ApiError(401, 21, "Unauthorized (malformed credentials)") from error
        if fixed := self._fixed.get(name):
            if secret != str(fixed["password"]):
                raise ApiError(401, 22, "Unauthorized (invalid credentials) (bad username or password)")
            query = {"_id": db.fixed_user_id(name)}
        else:
            query = {"credentials": {"$elemMatch": {"key": name, "secret": secret}}}
        user = self._users.find_one(query)
        if not user:
            raise ApiError(401, 22, "Unauthorized (invalid credentials) (failed to locate provided credentials)")
        return user["_id"]

    def _by_token(self, token):
        signed, _, signature = token.rpartition(".")
        if not hmac.compare_digest(signature, self._signature(signed)):
            raise ApiError(401, 30, "Unauthorized (invalid token) (token is not valid)")
        payload = json.loads(base64.urlsafe_b64decode(signed.partition(".")[2] + "=="))
        if payload["exp"] < time.time():
            raise ApiError(401, 30, "Unauthorized (invalid token) (token expired)")
        return payload["identity"]["user"]

    def _signature(self, signed):
        digest = hmac.new(self._secret, signed.encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _encode(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
