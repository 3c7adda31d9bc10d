"""A table of faults in Markdown: | row | what must come of it | tests |, each test as
`file` `name` with the file under tests/. A row is a number, or a letter and a number."""
import pathlib
import re

TESTS = pathlib.Path(__file__).resolve().parent.parent


def check(path, wanted):
    """Every row of `wanted` has a test, and the tests that are named exist."""
    wanted = {str(row) for row in wanted}
    for line in path.read_text().splitlines():
        cells = [c.strip() for c in line.strip("|").split("|")]
        if len(cells) != 3 or not re.fullmatch(r"[A-Z]?\d+", cells[0]):
            continue
        named = re.findall(r"`([\w/.]+)`:? ((?:`\w+`(?:, )?)+)", cells[2])
        assert named, f"row {cells[0]} names no test"
        wanted.discard(cells[0])
        for file, names in named:
            text = (TESTS / file).read_text()
            for name in re.findall(r"`(\w+)`", names):
                assert re.search(rf"\b{name}\b", text), f"row {cells[0]}: {file} has no {name}"
    assert not wanted, f"rows without a test: {sorted(wanted)}"
