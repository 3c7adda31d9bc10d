#!/usr/bin/env python3
"""The simulation in ./dev test: 2,000 seeds, and some of them twice, which must run alike."""
import pathlib
import re
import subprocess
import sys

run_sim = pathlib.Path(__file__).with_name("run_sim.py")
passed = failed = 0
for arguments in (["--seeds", "2000"], ["--seeds", "20", "--from", "500000", "--twice"]):
    run = subprocess.run([sys.executable, str(run_sim)] + arguments, stdout=subprocess.PIPE, text=True)
    print(run.stdout, end="")
    tally = re.findall(r"^(\d+) passed, (\d+) failed$", run.stdout, flags=re.M)
    passed += int(tally[-1][0]) if tally else 0
    failed += int(tally[-1][1]) if tally else 1
print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed or not passed else 0)
