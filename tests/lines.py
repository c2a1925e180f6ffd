#!/usr/bin/env python3
"""Counts the lines of code of the program: tests/lines.py [COMMIT…]   (default: the files as they lie here)

Lines that hold nothing but a comment or nothing at all do not count, nor does what only tests have: items behind
`#[cfg(test)]` and the files that they name. Beside it: the longest files, and how many public items have a doc comment.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PUBLIC = re.compile(r"\s*pub (?:async |const |unsafe )*(?:fn|struct|enum|trait|type|const|static|mod) ")


def sources(commit):
    """Yields path and text of every file of the program."""
    if commit is None:
        for path in sorted((ROOT / "src").rglob("*.rs")):
            yield str(path.relative_to(ROOT)), path.read_text()
        return
    listed = subprocess.run(
        ["git", "-C", ROOT, "ls-tree", "-r", "--name-only", commit, "src"], check=True, capture_output=True, text=True
    ).stdout.split("\n")
    for path in (name for name in listed if name.endswith(".rs")):
        shown = subprocess.run(["git", "-C", ROOT, "show", f"{commit}:{path}"], check=True, capture_output=True)
        yield path, shown.stdout.decode()


def program(text):
    """Returns the lines of a file without what only tests have, and the files that only they have."""
    kept, tests, lines, at = [], [], text.split("\n"), 0
    while at < len(lines):
        if lines[at].strip() != "#[cfg(test)]":
            kept.append(lines[at])
            at += 1
            continue
        indent = len(lines[at]) - len(lines[at].lstrip())
        at += 1
        path = None
        while lines[at].strip().startswith("#["):
            named = re.match(r'\s*#\[path = "(.*)"\]', lines[at])
            path = named.group(1) if named else path
            at += 1
        head = lines[at]
        if named := re.match(r"\s*(?:pub(?:\([^)]*\))? )?mod (\w+);", head):
            tests.append((path, named.group(1)))
            at += 1
            continue
        # The item ends at the first line of its own indentation that closes it.
        while not (re.match(r" {%d}[})\]]" % indent, lines[at]) or lines[at].endswith(";") and lines[at] is head):
            at += 1
        at += 1
    return kept, tests


def of_tests(files):
    """Returns the paths of files that only tests have."""
    found = set()
    for path, text in files.items():
        own = Path(path).parent if Path(path).name in ("mod.rs", "lib.rs", "main.rs") else Path(path).with_suffix("")
        for named, name in program(text)[1]:
            if named:
                found.add(str(Path(path).parent / named))
                continue
            found.update(one for one in files if one == f"{own}/{name}.rs" or one.startswith(f"{own}/{name}/"))
    return found


def code(lines):
    """Returns how many lines hold code."""
    inside, number = False, 0
    for line in lines:
        rest = line.strip()
        if inside or rest.startswith("/*"):
            inside = "*/" not in rest
        elif rest and not rest.startswith("//"):
            number += 1
    return number


def documented(lines):
    """Returns how many public items there are, and how many have a doc comment."""
    items = with_comment = 0
    for at, line in enumerate(lines):
        if PUBLIC.match(line) and not line.rstrip().endswith(";") or PUBLIC.match(line) and " const " in line:
            items += 1
            above = at - 1
            while above >= 0 and lines[above].strip().startswith("#["):
                above -= 1
            with_comment += above >= 0 and lines[above].strip().startswith("///")
    return items, with_comment


def main():
    for commit in sys.argv[1:] or [None]:
        files = dict(sources(commit))
        tests = of_tests(files)
        own = {path: program(text)[0] for path, text in files.items() if path not in tests}
        items, with_comment = map(sum, zip(*(documented(lines) for lines in own.values())))
        print(f"{commit or 'here'}: {sum(map(code, own.values())):,} lines of code in {len(own)} files of the program;")
        print(f"  {with_comment:,} of {items:,} public items have a doc comment")
        longest = sorted(((text.count("\n"), path) for path, text in files.items()), reverse=True)
        for number, path in [one for one in longest if one[0] > 350]:
            print(f"  {number} lines: {path}{' (tests)' if path in tests else ''}")


main()
