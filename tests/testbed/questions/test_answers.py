"""python3 -m unittest discover -s tests/testbed/questions: what the comparison sees, and what it must not."""

import unittest

from answers import apart_by_documents, differences, is_empty, normal
from dialect import spoken


def page(*hits, total=None):
    return {"hits": {"total": len(hits) if total is None else total, "hits": list(hits)}}


def hit(identity, rank, **source):
    return {"_index": "i", "_id": identity, "sort": [rank], "_source": source}


def buckets(*counts, **rest):
    return {"dates": {"buckets": [{"key": key, "doc_count": count, **rest} for key, count in enumerate(counts)]}}


def answer(total, aggs):
    return {"hits": {"total": total, "hits": []}, "aggregations": aggs}


def differ(left, right):
    return list(differences(normal(left), normal(right)))


class Answers(unittest.TestCase):
    def test_what_only_the_version_decides_is_ignored(self):
        old = {"took": 3, "hits": {"total": 12_000, "max_score": None, "hits": [{**hit("a", 1), "_type": "event", "_routing": "t"}]}}
        new = {"took": 9, "hits": {"total": {"value": 10_000, "relation": "gte"}, "hits": [{**hit("a", 1), "_type": "_doc"}]}}
        self.assertEqual(differ(old, new), [])

    def test_hits_of_equal_rank_may_come_in_any_order_but_not_others(self):
        self.assertEqual(differ(page(hit("a", 1), hit("b", 1)), page(hit("b", 1), hit("a", 1))), [])
        self.assertNotEqual(differ(page(hit("a", 1), hit("b", 2)), page(hit("b", 1), hit("a", 2))), [])

    def test_a_page_that_ends_among_equals_may_hold_any_of_them(self):
        self.assertEqual(differ(page(hit("a", 1), hit("b", 2), total=3), page(hit("a", 1), hit("c", 2), total=3)), [])
        self.assertNotEqual(differ(page(hit("a", 1), hit("b", 2), total=3), page(hit("c", 1), hit("b", 2), total=3)), [])
        self.assertNotEqual(differ(page(hit("a", 1), hit("b", 2)), page(hit("a", 1), hit("c", 2))), [])

    def test_a_source_is_compared_to_the_letter_even_at_the_end_of_a_page(self):
        self.assertNotEqual(differ(page(hit("a", 1, v="number 1.0"), total=2), page(hit("a", 1, v="number 1"), total=2)), [])

    def test_a_lost_document_shows(self):
        self.assertNotEqual(differ(page(hit("a", 1), hit("b", 2)), page(hit("a", 1))), [])
        self.assertNotEqual(differ(answer(5, buckets(2, 3)), answer(4, buckets(2, 2))), [])

    def test_averages_may_differ_in_the_last_digit_only(self):
        self.assertEqual(differ({"value": 0.1 + 0.2}, {"value": 0.3}), [])
        self.assertNotEqual(differ({"value": 0.3}, {"value": 0.3001}), [])
        self.assertNotEqual(differ({"value": None}, {"value": 0.0}), [])

    def test_documents_apart_are_counted_over_all_buckets_of_a_level(self):
        self.assertEqual(apart_by_documents(answer(5, buckets(2, 3)), answer(4, buckets(2, 2))), 1)
        self.assertEqual(apart_by_documents(answer(5, buckets(2, 3)), answer(4, buckets(2, 3))), 1)
        self.assertEqual(apart_by_documents(answer(5, buckets(2, 3)), answer(5, buckets(3, 2))), 2)
        self.assertEqual(apart_by_documents(answer(5, buckets(4, 1)), answer(4, buckets(4))), 1)

    def test_other_values_may_differ_only_where_a_count_does(self):
        one, other = buckets(2, avg={"value": 1.0}), buckets(2, avg={"value": 2.0})
        self.assertIsNone(apart_by_documents(answer(5, one), answer(4, other)))
        self.assertEqual(apart_by_documents(answer(5, one), answer(4, buckets(1, avg={"value": 2.0}))), 1)

    def test_nothing_found_is_recognised(self):
        self.assertTrue(is_empty(answer(0, buckets())))
        self.assertFalse(is_empty(answer(1, buckets(1))))

    def test_the_words_of_elasticsearch_5(self):
        body = {"terms": {"order": {"_key": "asc"}}, "date_histogram": [{"fixed_interval": "5ms"}]}
        old = {"terms": {"order": {"_term": "asc"}}, "date_histogram": [{"interval": "5ms"}]}
        self.assertEqual(spoken(body, 5), old)
        self.assertEqual(spoken(body, 7), body)


if __name__ == "__main__":
    unittest.main()
