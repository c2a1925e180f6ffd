"""python3 -m unittest discover -s tests/testbed/data: promises of the generator that need no node."""

import json
import unittest
from collections import Counter

import phases
from manifest import manifest, task_records
from names import LOG, event_index
from plan import make_plan


def played(plan):
    """Documents `{(index, id): (routing, source)}` after all operations, and the operations of the tail."""
    documents, tail = {}, []
    units = [*phases.first(plan), *phases.again(plan), *([("tail",)] if plan.tail_operations else [])]
    for unit in units:
        for operation in phases.operations(plan, unit):
            if unit == ("tail",):
                tail.append(operation)
            key = operation.index, operation.id
            if operation.source is None:
                del documents[key]
            else:
                documents[key] = operation.routing, operation.source
    return documents, tail


class Generator(unittest.TestCase):
    def test_the_total_and_every_count_of_the_manifest_are_met_exactly(self):
        for documents, tail in ((100, 0), (3_000, 0), (20_000, 2_000), (20_000, 2_001), (5_000, 7)):
            with self.subTest(documents=documents, tail=tail):
                plan = make_plan(3, documents, tail)
                expected = manifest(plan)
                held, sent = played(plan)
                counts = Counter(index for index, _ in held)
                wanted = {**expected["indices"], **expected["foreign_indices"]}
                self.assertEqual(counts, Counter({name: index["documents"] for name, index in wanted.items()}))
                self.assertEqual(expected["documents"], documents)
                self.assertEqual(len(sent), tail)

    def test_the_same_seed_gives_the_same_documents_and_another_seed_others(self):
        one, again, other = (played(make_plan(seed, 2_000, 100))[0] for seed in (5, 5, 6))
        self.assertEqual(one, again)
        self.assertNotEqual(one.keys(), other.keys())

    def test_every_source_is_json_and_names_the_task_of_its_routing(self):
        held, _ = played(make_plan(1, 20_000, 500))
        for (index, _), (routing, source) in held.items():
            document = json.loads(source)
            if index.startswith("events-"):
                self.assertEqual(document["task"], routing)

    def test_odd_data_is_there(self):
        sources = [source for _, source in played(make_plan(1, 20_000))[0].values()]
        texts = "\n".join(sources)
        wanted = ('"value":1e-7', '"value":1E5', '"value":1.0}', r"\ud83d\ude80", "🚀", '"msg":""', "9223372036854775807")
        for text in wanted:
            self.assertTrue(text in texts, text)
        self.assertGreater(max(map(len, sources)), 1_000_000)
        self.assertGreater(sum("\n" in source for source in sources), 20)

    def test_a_key_twice_is_on_top_of_the_total(self):
        plan = make_plan(1, 2_000, keys_twice=4)
        self.assertEqual(manifest(plan)["documents"], 2_004)
        self.assertEqual(sum(source.count('"msg":') == 2 for _, source in played(plan)[0].values()), 4)

    def test_the_tail_creates_updates_and_deletes_what_was_flushed_before(self):
        plan = make_plan(1, 20_000, 2_000)
        flushed = set()
        for unit in (*phases.first(plan), *phases.again(plan)):
            flushed |= {(operation.index, operation.id) for operation in phases.operations(plan, unit)}
        sorts = Counter(
            ((operation.index, operation.id) in flushed, operation.source is None) for operation in played(plan)[1]
        )
        self.assertEqual(len(sorts), 4, sorts)

    def test_one_task_passes_what_a_search_returns_at_most(self):
        counts = manifest(make_plan(7, 200_000))["tasks"].values()
        self.assertGreater(max(count[LOG] for count in counts), 10_000)

    def test_every_task_has_a_record(self):
        plan = make_plan(1, 5_000, 50)
        self.assertEqual([record["id"] for record in task_records(plan)], list(manifest(plan)["tasks"]))

    def test_too_few_documents_are_refused(self):
        with self.assertRaises(ValueError):
            make_plan(1, 99)

    def test_log_lines_are_in_the_log_index(self):
        self.assertEqual(event_index(LOG), "events-log-d1bd92a3b039400cbafc60a7a5b1e52b")


if __name__ == "__main__":
    unittest.main()
