#!/usr/bin/env python3
"""The simulation on every core: ./dev sim [--seeds N] [--from SEED] [--replay SEED] [--twice].

Seeds are split among as many processes as there are cores; each failing seed is
printed with the oracle that broke. Ends with `N passed, N failed`.
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SIM = ROOT / os.environ.get("ARGIL_BUILD", "build") / "tests/sim/argil_sim"


def first_of(running):
    """The first that fails ends them all."""
    while running:
        time.sleep(0.1)
        for process in [p for p in running if p.poll() is not None]:
            running.remove(process)
            if process.returncode:
                print(process.stdout.read())
                for other in running:
                    other.kill()
                return 1
    return 0


def main():
    parser = argparse.ArgumentParser(prog="./dev sim", description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=2000, help="how many (2,000)")
    parser.add_argument("--from", dest="first", type=int, default=1, help="the first one (1)")
    parser.add_argument("--replay", type=int, help="tell one seed step by step")
    parser.add_argument("--twice", action="store_true", help="run each seed twice and compare the traces")
    parser.add_argument("--first", dest="stop", action="store_true", help="end with the first failure")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    args = parser.parse_args()
    if args.replay:
        return subprocess.run([str(SIM), "--replay", str(args.replay)]).returncode
    jobs = max(1, min(args.jobs, args.seeds))
    share = [args.seeds // jobs + (i < args.seeds % jobs) for i in range(jobs)]
    starts = [args.first + sum(share[:i]) for i in range(jobs)]
    running = [subprocess.Popen([str(SIM), "--seeds", str(n), "--from", str(start)] + ["--twice"] * args.twice
                                + ["--first"] * args.stop, stdout=subprocess.PIPE, text=True)
               for n, start in zip(share, starts)]
    if args.stop:
        return first_of(running)
    passed = failed = 0
    for process, n in zip(running, share):
        text = process.communicate()[0]
        tally = re.findall(r"^(\d+) passed, (\d+) failed$", text, flags=re.M)
        print("\n".join(line for line in text.splitlines() if not re.match(r"\d+ passed", line)))
        if tally:
            passed, failed = passed + int(tally[-1][0]), failed + int(tally[-1][1])
        if not tally or process.returncode not in (0, 1):
            print(f"a simulation process ended with {process.returncode}")
            failed += 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
