#!/usr/bin/env python3
"""Run by smoke.sh in a container that has pymongo: what 1.1.1 does to indexes in its migration 1_0_0, and what it relies on."""

import pymongo
from pymongo.errors import OperationFailure

client = pymongo.MongoClient("mongodb://mongo:27017")
database = client["smoke_indexes"]
first, second = database["first"], database["second"]


def names(collection):
    return sorted(index["name"] for index in collection.list_indexes())


def fails(code, call):
    try:
        call()
    except OperationFailure as error:
        assert error.code == code, error
    else:
        raise AssertionError(f"no error {code}")


def make():
    for collection in (first, second):
        collection.insert_one({"name": "a", "company": "b"})
        collection.create_index([("name", 1), ("company", 1)], unique=True)
        collection.create_index("company")


make()
assert names(first) == names(second) == ["_id_", "company_1", "name_1_company_1"]
# All of one collection: those of the other, by the same names, stay.
first.drop_indexes()
assert names(first) == ["_id_"] and names(second) == ["_id_", "company_1", "name_1_company_1"]
first.drop_indexes()
first.insert_one({"name": "a", "company": "b"})
second.drop_index("name_1_company_1")
second.drop_index([("company", 1)])
assert names(second) == ["_id_"]
# They can be made again, and are enforced.
first.delete_many({})
second.delete_many({})
make()
fails(11000, lambda: first.insert_one({"name": "a", "company": "b"}))
first.drop_index("name_1_company_1")
assert names(first) == ["_id_", "company_1"] and names(second) == ["_id_", "company_1", "name_1_company_1"]
fails(27, lambda: first.drop_index("name_1_company_1"))
fails(72, lambda: first.drop_index("_id_"))
# None of a collection that is not there: pymongo takes the error for an answer.
database["none"].drop_indexes()
client.drop_database("smoke_indexes")
