"""The documents that a server keeps in MongoDB: schema stamps, company, queue, users."""

import datetime
import hashlib
import uuid

import pymongo

COMPANY = "d1bd92a3b039400cbafc60a7a5b1e52b"


def now():
    return datetime.datetime.utcnow()


def new_id():
    return uuid.uuid4().hex


def version_key(version):
    """Orders version numbers."""
    return tuple(int(part) for part in version.split("."))


class Database:
    """The two databases of a server, `auth` and `backend`."""

    def __init__(self, address):
        self.host = f"mongodb://{address[0]}:{address[1]}"
        self.client = pymongo.MongoClient(self.host)
        self.auth = self.client["auth"]
        self.backend = self.client["backend"]

    def is_empty(self):
        """As the server looks: not all of its databases have collections."""
        return not all(database.list_collection_names() for database in (self.auth, self.backend))

    def server_version(self):
        return self.client.server_info()["version"]

    def last_stamp(self):
        """The newest migration that was applied; 0.0.0 where none was."""
        stamps = [document["num"] for document in self.backend["versions"].find()]
        return max(stamps, key=version_key, default="0.0.0")

    def stamp(self, version):
        document = {"_id": new_id(), "num": version, "created": now(), "desc": "Applied on server startup"}
        self.backend["versions"].insert_one(document)


def ensure_company(database, product):
    """Creates what exists once: the company, an identity of the installation, the default queue."""
    if not database.backend["company"].find_one({"_id": COMPANY}):
        defaults = {"stats_option": {"enabled": False}}
        database.backend["company"].insert_one({"_id": COMPANY, "name": product.lower(), "defaults": defaults})
    if not database.backend["settings"].find_one({"_id": "server.uuid"}):
        database.backend["settings"].insert_one({"_id": "server.uuid", "value": str(uuid.uuid4())})
    if not database.backend["queue"].find_one({"company": COMPANY, "system_tags": "default"}):
        queue = {"_id": new_id(), "name": "default", "company": COMPANY, "created": now(), "last_update": now()}
        database.backend["queue"].insert_one({**queue, "tags": [], "system_tags": ["default"], "entries": []})


def ensure_users(database, settings, release):
    """Creates the built-in users with the keys of `secure.credentials`, and the fixed users of `apiserver.conf`."""
    fixed = fixed_users(settings)
    for name, credentials in settings.get("secure.credentials", {}).items():
        revoke = fixed is not None and name in release.revoked_in_fixed_mode
        _ensure_built_in_user(database, name, credentials, revoke)
        if credentials["role"] == "user":
            _ensure_profile(database, f"__{name}__", credentials.get("display_name", name))
    for user in fixed or []:
        identity = fixed_user_id(user["username"])
        if not database.auth["user"].find_one({"_id": identity}):
            _put_user(database, identity, user["name"], "user", [])
        _ensure_profile(database, identity, user["name"])


def fixed_users(settings):
    """The fixed users, or None where they are off."""
    configured = settings.get("apiserver.auth.fixed_users") or {}
    if not configured.get("enabled"):
        return None
    if configured.get("pass_hashed"):
        raise ValueError("auth.fixed_users.pass_hashed is not supported by the stand-in")
    return configured.get("users", [])


def fixed_user_id(username):
    return hashlib.md5(f"{COMPANY}:{username}".encode()).hexdigest()


def _ensure_built_in_user(database, name, credentials, revoke):
    pair = {"key": credentials["user_key"], "secret": credentials["user_secret"]}
    users = database.auth["user"]
    if users.find_one({"credentials": {"$elemMatch": pair}}):
        if revoke:
            users.update_one({"credentials": {"$elemMatch": pair}}, {"$unset": {"credentials": ""}})
        return
    _put_user(database, f"__{name}__", name, credentials["role"], [] if revoke else [pair])


def _put_user(database, identity, name, role, credentials):
    email = f"{name if identity.startswith('__') else identity}@example.com"
    user = {"name": name, "created": now(), "role": role, "company": COMPANY, "credentials": credentials, "email": email}
    database.auth["user"].replace_one({"_id": identity}, {"_id": identity, **user}, upsert=True)


def _ensure_profile(database, identity, name):
    if not database.backend["user"].find_one({"_id": identity}):
        given, _, family = name.partition(" ")
        profile = {"_id": identity, "company": COMPANY, "name": name, "family_name": family, "given_name": given}
        database.backend["user"].insert_one({**profile, "preferences": ""})
