"""tasks.*: what the server keeps of an experiment in MongoDB."""

import datetime

from . import database as db
from .errors import ApiError
from .migrations import KNOWN_TO_TRAINS

DEFAULT_PAGE = 500
TIMES = {"created", "started", "completed", "last_update", "status_changed"}


class Tasks:
    """The tasks of the one company."""

    def __init__(self, database, elastic, release):
        self._collection = database.backend["task"]
        self._elastic = elastic
        self._strict = release.typed_elastic

    def get_all(self, call):
        """`{id?, project?, status?, page?, page_size?}` -> `{tasks}`, ordered by id."""
        query = {"company": db.COMPANY}
        for argument, field in (("id", "_id"), ("project", "project"), ("status", "status")):
            if values := call.data.get(argument):
                query[field] = {"$in": values}
        size = int(call.data.get("page_size", DEFAULT_PAGE))
        found = self._collection.find(query).sort("_id", 1).skip(int(call.data.get("page", 0)) * size).limit(size)
        return {"tasks": [self._external(task) for task in found]}

    def get_by_id(self, call):
        """`{task}` -> `{task: {…}}`"""
        return {"task": self._external(self.document(call.required("task")))}

    def create(self, call):
        """`{name, type?, project?}` -> `{id}`"""
        task = {
            "_id": db.new_id(), "name": call.required("name"), "type": call.data.get("type", "training"),
            "company": db.COMPANY, "user": call.user, "status": "created", "created": db.now(), "last_update": db.now(),
            "output": {}, "execution": {}, "tags": [], "system_tags": [], "last_iteration": 0,
        }  # fmt: skip
        if project := call.data.get("project"):
            task["project"] = project
        self._collection.insert_one(task)
        return {"id": task["_id"]}

    def reset(self, call):
        """`{task, force?}`: forgets what the task reported, in both databases."""
        task = self.document(call.required("task"))
        if task["status"] in ("in_progress", "published") and not call.data.get("force"):
            raise ApiError(400, 110, f"Invalid task status (expected not in_progress or published): status={task['status']}")
        deleted = self._elastic.delete_task(db.COMPANY, task["_id"])
        fields = {"status": "created", "last_iteration": 0, "last_update": db.now(), "status_changed": db.now()}
        unset = {name: "" for name in ("last_metrics", "metric_stats", "started", "completed")}
        self._collection.update_one({"_id": task["_id"]}, {"$set": fields, "$unset": unset})
        return {"updated": 1, "fields": {**fields, **unset}, "events": {"deleted": deleted}, "deleted_models": 0}

    def reported(self, task, last_iteration, metrics):
        """Notes events of a task: `metrics` is `{field path: value}`, ready to be set."""
        change = {"$set": {"last_update": db.now(), **metrics}}
        if last_iteration is not None:
            change["$max"] = {"last_iteration": last_iteration}
        self._collection.update_one({"_id": task}, change)

    def document(self, identity):
        """The task as stored; ApiError where there is none, or where an old server meets a new schema."""
        task = self._collection.find_one({"_id": identity, "company": db.COMPANY})
        if not task:
            raise ApiError(400, 101, f"Invalid task id: id={identity}, company={db.COMPANY}")
        self._check_schema(task)
        return task

    def _external(self, task):
        self._check_schema(task)
        return {("id" if name == "_id" else name): value for name, value in task.items()}

    def _check_schema(self, task):
        unknown = set(task) - KNOWN_TO_TRAINS
        if self._strict and unknown:
            raise ApiError(500, 0, f"General data error: The fields \"{unknown}\" do not exist on the document \"Task\"")


class TestBed:
    """testbed.*: not part of any real server; how a generator makes tasks with the ids that its events name."""

    def __init__(self, database):
        self._backend = database.backend

    def put_tasks(self, call):
        """`{tasks: [{id, name, …}], projects?: [{id, name}]}`: stores or replaces them; times are milliseconds."""
        for project in call.data.get("projects", []):
            self._put("project", project, {"description": "", "tags": [], "system_tags": []}, call.user)
        artifact = {"key": "data", "type": "pickle", "mode": "output", "uri": "http://localhost:8081/data.pkl"}
        defaults = {
            "type": "training", "status": "completed", "output": {}, "tags": [], "system_tags": [], "last_iteration": 0,
            # What the migrations of 0.16.0 and 0.17.0 rewrite.
            "execution": {"parameters": {"Args/lr": "0.1"}, "artifacts": [artifact]},
        }  # fmt: skip
        # A task of the default status also ran, which is what the migration of 1.0.2 looks at.
        ran = {"started": db.now() - datetime.timedelta(hours=1), "completed": db.now()}
        for task in call.data.get("tasks", []):
            self._put("task", task, defaults if "status" in task else {**defaults, **ran}, call.user)
        return {"tasks": len(call.data.get("tasks", [])), "projects": len(call.data.get("projects", []))}

    def _put(self, collection, given, defaults, user):
        fixed = {"company": db.COMPANY, "user": user, "created": db.now(), "last_update": db.now()}
        document = {**defaults, **fixed, **given}
        for name in TIMES & set(given):
            document[name] = datetime.datetime.utcfromtimestamp(given[name] / 1000)
        identity = document.pop("id")
        self._backend[collection].replace_one({"_id": identity}, {"_id": identity, **document}, upsert=True)
