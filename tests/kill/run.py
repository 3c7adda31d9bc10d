#!/usr/bin/env python3
"""The kill campaigns in ./dev test: 200 random moments, and a sample of the system calls; both print their seed."""
import pathlib
import re
import subprocess
import sys

here = pathlib.Path(__file__).parent
passed = failed = 0
runs = [subprocess.Popen([sys.executable, str(here / script), much], stdout=subprocess.PIPE, text=True)
        for script, much in (("kill_demo.py", "200"), ("syscalls.py", "19"))]  # beside each other: each has its own org
for run in runs:
    said = run.communicate()[0]
    print(said, end="")
    tally = re.findall(r"^(\d+) passed, (\d+) failed$", said, flags=re.M)
    passed += int(tally[-1][0]) if tally else 0
    failed += int(tally[-1][1]) if tally else 1
print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed or not passed else 0)
