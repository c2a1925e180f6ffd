"""The API server: start-up, the table of methods, and the envelope around every answer."""

import dataclasses
import json
import re
import uuid

from . import database as db
from . import elastic as es
from . import startup
from .auth import Authenticator
from .errors import ApiError
from .events_read import EventReader
from .events_write import EventWriter
from .tasks import Tasks, TestBed
from .web import Handler, serve
from .workers import Workers

PORT = 8008
# /service.action, or with the version of the API that the caller speaks: /v2.8/service.action
PATH = re.compile(r"/(?:v(?P<version>\d+(?:\.\d+)?)/)?(?P<name>\w+\.\w+)/?")


@dataclasses.dataclass
class Call:
    """One request: the raw body, the body as JSON (an object, empty where there is none), and who sent it."""

    raw: bytes
    user: str = ""

    @property
    def data(self):
        if not self.raw.strip():
            return {}
        try:
            value = json.loads(self.raw)
        except ValueError as error:
            raise ApiError(400, 10, f"Validation error (request body is not JSON: {error})") from error
        if not isinstance(value, dict):
            raise ApiError(400, 10, "Validation error (request body is not an object)")
        return value

    def required(self, name):
        if name not in self.data:
            raise ApiError(400, 12, f"Validation error (error for field '{name}'. field is required!)")
        return self.data[name]


class Api:
    """Methods by name. `public` ones need no credentials and work even when the server runs without its databases."""

    def __init__(self, release, settings, state, database, elastic):
        self.release = release
        self.state = state
        self._auth = Authenticator(database, settings)
        tasks, events = Tasks(database, elastic, release), EventReader(elastic)
        workers = Workers(elastic, settings.address("redis"))
        writer = EventWriter(elastic, tasks, release)
        self._public = {"auth.fixed_users_mode": self._fixed_users_mode, "server.info": self._info}
        if not release.typed_elastic:
            self._public["debug.ping"] = lambda call: {"msg": "ClearML server"}
            self._public["login.supported_modes"] = self._supported_modes
        self._methods = {
            "auth.login": lambda call: {"token": self._auth.token(call.user)},
            "tasks.get_all": tasks.get_all,
            "tasks.get_by_id": tasks.get_by_id,
            "tasks.create": tasks.create,
            "tasks.reset": tasks.reset,
            "events.add": writer.add,
            "events.add_batch": writer.add_batch,
            "events.get_task_log": events.task_log,
            "events.get_task_events": events.task_events,
            "events.get_task_plots": events.task_plots,
            "events.scalar_metrics_iter_histogram": events.scalar_histogram,
            "events.debug_images": events.debug_images,
            "workers.get_stats": workers.stats,
            "queues.get_queue_metrics": workers.queue_metrics,
            "testbed.put_tasks": TestBed(database).put_tasks,
        }
        if release.has_redis:
            # Agents are known by their keys there.
            self._methods["workers.get_all"] = workers.get_all

    def handle(self, name, raw, authorization):
        """The data of an answer; ApiError otherwise."""
        if method := self._public.get(name):
            return method(Call(raw))
        if name not in self._methods:
            raise ApiError(404, 0, f"Unable to find endpoint for name {name} and version {self.release.api_version}")
        if self.state.missed_es_upgrade:
            raise ApiError(500, 0, "General data error (ElasticSearch data was not migrated)")
        try:
            return self._methods[name](Call(raw, self._auth.identify(authorization)))
        except es.Refused as refusal:
            kind = "NotFoundError" if refusal.status == 404 else "RequestError"
            raise ApiError(500, 100, f"General data error ({kind}({refusal}))") from refusal
        except es.Unreachable as error:
            raise ApiError(500, 100, f"General data error (ConnectionError({error}))") from error

    def _info(self, call):
        build = {"build": "testbed", "commit": "testbed"}
        return {"version": self.release.version, "api_version": self.release.api_version, **build}

    def _fixed_users_mode(self, call):
        data = {"enabled": self._auth.fixed_mode, "guest": {"enabled": False}}
        return data if self.release.typed_elastic else {**data, "server_errors": self.state.server_errors()}

    def _supported_modes(self, call):
        errors = {"missed_es_upgrade": self.state.missed_es_upgrade, "es_connection_error": self.state.es_connection_error}
        basic = {"enabled": self._auth.fixed_mode, "guest": {"enabled": False}}
        return {"basic": basic, "sso": {}, "sso_providers": [], "server_errors": errors, "authenticated": False}


class ApiHandler(Handler):
    """GET and POST of /service.action."""

    api = None

    def do_POST(self):
        match = PATH.fullmatch(self.path.partition("?")[0])
        name = match["name"] if match else self.path
        raw = self.body()
        try:
            if not match:
                raise ApiError(400, 0, f"Invalid request path {self.path}")
            self._check_version(match["version"])
            data, error = self.api.handle(name, raw, self.headers.get("Authorization")), None
        except ApiError as refusal:
            data, error = {}, refusal
        except Exception as failure:
            self.log.exception("%s failed", name)
            data, error = {}, ApiError(500, 0, f"General data error ({failure!r})")
        self._answer(name, data, error)

    do_GET = do_POST

    def _check_version(self, version):
        own = self.api.release.api_version
        if version and db.version_key(version) > db.version_key(own):
            raise ApiError(400, 3, f"Unsupported version ({version}, the server speaks up to {own})")

    def _answer(self, name, data, error):
        version = self.api.release.api_version
        meta = {
            "id": uuid.uuid4().hex,
            "trx": uuid.uuid4().hex,
            "endpoint": {"name": name, "requested_version": version, "actual_version": version},
            "result_code": error.code if error else 200,
            "result_subcode": error.subcode if error else 0,
            "result_msg": str(error) if error else "OK",
            "error_stack": "",
            "error_data": {},
        }
        text = json.dumps({"meta": meta, "data": data}, default=lambda value: value.isoformat())
        self.answer(meta["result_code"], text.encode(), "application/json")


def run(release, settings, log):
    """Checks the databases, then serves until the process is ended."""
    elastic = es.Elastic(settings.address("elastic"), release.typed_elastic)
    database = db.Database(settings.address("mongo"))
    state = startup.run(release, settings, elastic, database, log)
    ApiHandler.api = Api(release, settings, state, database, elastic)
    serve(ApiHandler, PORT, log)
