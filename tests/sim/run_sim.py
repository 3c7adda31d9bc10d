#!/usr/bin/env python3
"""The simulation on every core: ./dev sim [--seeds N] [--from SEED] [--replay SEED] [--twice].

Seeds go in shares to as many processes as there are cores; each failing seed is
printed, as soon as its share is done, with the oracle that broke. How far it is stands on
standard error. Ends with `N passed, N failed`.
"""
import argparse
import collections
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SIM = ROOT / os.environ.get("ARGIL_BUILD", "build") / "tests/sim/argil_sim"
SHARE = 500  # seeds a process: what it prepares costs as much as a few of them
# A story allocates much and little at once: larger caches a thread are an eighth of its time.
ENV = dict(os.environ, GLIBC_TUNABLES="glibc.malloc.tcache_count=2000")


class Progress:
    """On a terminal one line, written over; else a line for each tenth."""

    def __init__(self, seeds):
        self.seeds, self.began, self.told = seeds, time.monotonic(), 0

    def tell(self, passed, failed):
        done = passed + failed
        took = time.monotonic() - self.began
        rate = done / took if took else 0
        left = (self.seeds - done) / rate / 60 if rate else 0
        line = f"{done:,} of {self.seeds:,} seeds, {failed} failed, {rate:.1f}/s, {left:.0f} min left"
        if sys.stderr.isatty():
            print(f"\r\033[K{line}", end="\n" if done == self.seeds else "", file=sys.stderr, flush=True)
        elif done * 10 // self.seeds > self.told and self.seeds >= 10 * SHARE:
            self.told = done * 10 // self.seeds
            print(line, file=sys.stderr, flush=True)


class Campaign:
    """Shares of seeds, the tally of those that are done, and the processes at work."""

    def __init__(self, args):
        self.args, self.stopped, self.running, self.lock = args, False, set(), threading.Lock()
        self.seen = collections.Counter()
        self.options = ["--twice"] * args.twice + ["--first"] * args.stop

    def run(self, share):
        first, count = share
        with self.lock:
            if self.stopped:
                return 0, 0, ""
            process = subprocess.Popen([str(SIM), "--seeds", str(count), "--from", str(first)] + self.options,
                                       stdout=subprocess.PIPE, text=True, env=ENV)
            self.running.add(process)
        text = process.communicate()[0]
        self.running.discard(process)
        tally = re.findall(r"^(\d+) passed, (\d+) failed$", text, flags=re.M)
        passed, failed = (int(n) for n in tally[-1]) if tally else (0, 0)
        lines = text.splitlines()
        with self.lock:
            for line in lines:
                if line.startswith("seen: "):
                    self.seen.update({what: int(count) for count, what in re.findall(r"(\d+) ([a-z ]+)", line)})
        text = "\n".join(line for line in lines if not re.match(r"\d+ passed|seen: ", line))
        if not self.stopped and (not tally or process.returncode not in (0, 1)):
            failed, text = failed + 1, f"{text}\na simulation process ended with {process.returncode}"
        return passed, failed, text

    def stop(self):
        """The first that fails ends them all."""
        with self.lock:
            self.stopped = True
            for process in self.running:
                process.kill()

    def all(self):
        jobs = max(1, min(self.args.jobs, self.args.seeds))
        size = max(1, min(SHARE, -(-self.args.seeds // jobs)))
        end = self.args.first + self.args.seeds
        shares = [(at, min(size, end - at)) for at in range(self.args.first, end, size)]
        progress, passed, failed = Progress(self.args.seeds), 0, 0
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            for share in concurrent.futures.as_completed([pool.submit(self.run, share) for share in shares]):
                good, bad, text = share.result()
                passed, failed = passed + good, failed + bad
                if text and not self.stopped:
                    print(text, flush=True)
                progress.tell(passed, failed)
                if failed and self.args.stop:
                    self.stop()
        print(", ".join(f"{count:,} {what}" for what, count in self.seen.items()))
        print(f"{passed} passed, {failed} failed")
        return 1 if failed or not passed else 0


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
        return subprocess.run([str(SIM), "--replay", str(args.replay)], env=ENV).returncode
    return Campaign(args).all()


if __name__ == "__main__":
    sys.exit(main())
