"""Texts and numbers that real users store and that careless copying damages.

Everything here is JSON text, not values: what matters is that these very bytes come out again.
"""

import json

# Message bodies, already JSON strings. Raw UTF-8 and escapes for the same characters are different bytes.
MESSAGES = (
    '""',
    '" "',
    '"Эпоха 7 из 10: потери уменьшаются"',
    '"学習率を下げます … 完了"',
    '"raw emoji 🚀🔥 and 𝒳 beyond the first plane"',
    r'"escaped emoji \ud83d\ude80 and \u00e9\u0301"',
    r'"\u001b[32mINFO\u001b[0m coloured\ttab\r\nsecond line\n\n  third"',
    r'"path C:\\data\\run \/slash\/ \"quoted\" \u0000 nul"',
    r'"progress:  10%|#         |\rprogress: 100%|##########|"',
    '"{\\"json\\": [1, 2, {\\"in\\": \\"a string\\"}]}"',
    json.dumps("a very long line " * 900),
    '"line separator \u2028 and BOM \ufeff inside"',
    '"right-to-left שלום مرحبا and zero\u200bwidth"',
)

# Numbers for a `float` field. A parser that reads and prints them again changes most.
NUMBERS = (
    "1.0", "1", "0", "-0.0", "0.0", "1e-7", "1E5", "1.5e+3", "-2.50", "0.1000000", "3.4028234e38", "1.17549435E-38",
    "18446744073709551616", "123456789012345678901234567890", "100000000000000000000.0", "0.30000000000000004",
    "9007199254740993", "-1e-40", '"0.25"',
)  # fmt: skip

# Fields that no template names: the node maps them on sight, so each keeps one type.
EXTRA_FIELDS = (
    '"company":"acme","rank":3',
    '"extra":{"host":{"name":"gpu-01","cores":64},"flags":["a","b",""],"finished":true}',
    '"loss_scale":65536.0,"step_ns":9223372036854775807',
    '"step_ns":-9223372036854775808,"note":null,"labels":[],"options":{}',
    '"gpu.0.utilization":97.5,"gpu.0.name":"V100"',
    '"ran_on":"2020/06/01","seen":"2020-06-01T12:30:00Z"',
    '"пометка":"кириллица в имени поля","с пробелом":"да"',
    '"rank":0,"long_text":' + json.dumps("unmapped " * 300),
)


def pretty(source, number):
    """The same document over several lines, in one of the ways people write it. Cannot be sent in a `_bulk` body."""
    style = number % 4
    if style == 0:
        return json.dumps(json.loads(source), indent=2, ensure_ascii=False)
    if style == 1:
        return "\n  " + source + "\n\n"
    if style == 2:
        return source.replace("{", "{\r\n\t", 1)
    return source[:-1] + "\n}\n"
