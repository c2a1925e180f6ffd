"""One question, two dialects: written for Elasticsearch 7, put into the words of 5 where these changed."""


def spoken(body, dialect):
    """`body` as a node of the dialect (5 or 7) understands it.

    5 orders buckets by `_term` where 7 says `_key`, and knows no `fixed_interval`.
    """
    if dialect == 7:
        return body
    if isinstance(body, list):
        return [spoken(part, dialect) for part in body]
    if isinstance(body, dict):
        return {_WORDS.get(key, key): spoken(value, dialect) for key, value in body.items()}
    return body


_WORDS = {"_key": "_term", "fixed_interval": "interval"}
