#!/usr/bin/env python3
"""Run in a container that has pymongo: what a real 1.1.1 asks of MongoDB in its migration 1_0_0, in that order, on tasks and
projects as 0.15.1 leaves them. Every answer must be the one that a real MongoDB 3.6 gives."""

import datetime
import re

import pymongo
from pymongo.errors import DuplicateKeyError

client = pymongo.MongoClient("mongodb://mongo:27017")
client.drop_database("smoke_schema")
database = client["smoke_schema"]
tasks, projects = database["task"], database["project"]


def names(collection):
    return sorted(index["name"] for index in collection.list_indexes())


def found(collection, query, *fields):
    return sorted(document["_id"] for document in collection.find(filter=query, projection=fields))


# As mongoengine makes them: by one field, by several, unique or not.
tasks.create_index([("name", 1), ("company", 1)])
tasks.create_index("project")
projects.create_index([("name", 1), ("company", 1)], unique=True)
tasks.insert_many(
    [
        {"_id": "both", "name": "t", "company": "c", "execution": {"model": "in", "docker_cmd": "image:1 --ipc host"}, "output": {"model": "out"}},
        {"_id": "labels", "name": "t", "company": "c", "execution": {}, "container": {}},
        {"_id": "none", "name": "t", "company": "c", "execution": {"model_labels": None}},
    ]
)
# The client lets keys with dots pass here.
tasks.update_one({"_id": "labels"}, {"$set": {"execution.model_labels": {"a.b": 1}}})
assert tasks.find_one({"_id": "labels"})["execution"] == {"model_labels": {"a.b": 1}}
database["task__trash"].insert_one({"_id": "old", "name": "t"})
database["task__trash"].create_index([("name", 1), ("company", 1)], unique=True)
projects.insert_many([{"_id": "1", "name": "a_b", "company": "c"}, {"_id": "2", "name": "a/b", "company": "c"}])

# Models: lists in place of single fields.
fields = ["execution.model", "output.model"]
assert found(tasks, {"$or": [{field: {"$exists": True}} for field in fields]}, *fields, "models") == ["both"]
item = {"model": "in", "name": "Input Model", "updated": datetime.datetime(2021, 8, 1)}
changed = tasks.update_one(
    {"_id": "both"}, {"$unset": {field: 1 for field in fields}, "$set": {"models.input": [item], "models.output": [{"model": "out"}]}}
)
assert changed.modified_count == 1
task = tasks.find_one({"_id": "both"})
assert task["models"] == {"input": [item], "output": [{"model": "out"}]} and "model" not in task["execution"] and task["output"] == {}

# The command of the container, then keys with dots.
assert found(tasks, {"execution.docker_cmd": {"$exists": True}}, "execution.docker_cmd") == ["both"]
container = {"image": "image:1", "arguments": "--ipc host"}
tasks.update_one({"_id": "both"}, {"$unset": {"execution.docker_cmd": 1}, "$set": {"container": container}})
fields = ["execution.model_labels", "container"]
assert found(tasks, {"$or": [{field: {"$nin": [None, {}]}} for field in fields]}, *fields) == ["both", "labels"]
tasks.update_one({"_id": "labels"}, {"$set": {"execution.model_labels": {"a%2Eb": 1}}})
assert tasks.find_one({"_id": "labels"})["execution"]["model_labels"] == {"a%2Eb": 1}

# Names of projects: the unique index says which is taken.
assert found(projects, {"name": re.compile("/", re.IGNORECASE), "path": {"$in": [None, []]}}) == ["2"]
try:
    projects.update_one({"_id": "2"}, {"$set": {"name": "a_b"}})
except DuplicateKeyError as error:
    assert error.code == 11000, error
else:
    raise AssertionError("two projects of one name")
assert projects.update_one({"_id": "2"}, {"$set": {"name": "a__b"}}).modified_count == 1

# All indexes of the tasks' collections go, and of no other.
for collection in database.list_collection_names():
    if collection.startswith("task"):
        database[collection].drop_indexes()
assert names(tasks) == names(database["task__trash"]) == ["_id_"]
assert names(projects) == ["_id_", "name_1_company_1"]
# Afterwards the server makes its own again.
tasks.create_index([("company", 1), ("project", 1)])
database["task__trash"].create_index([("name", 1), ("company", 1)], unique=True)
assert names(database["task__trash"]) == ["_id_", "name_1_company_1"]
client.drop_database("smoke_schema")
