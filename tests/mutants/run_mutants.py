#!/usr/bin/env python3
"""Known-bad changes, each of which the tests must notice: ./dev mutants [WORD...].

A mutant is a patch under tests/mutants/ with a few lines before it:

    breaks: W4 - a kill turns SENDING back into "to send"
    caught by: sim 400
    caught by: unit engine_crash
    caught by: story bulk half_way

Any one of its checks failing catches it: `sim N` runs N seeds of the simulation,
`unit NAME` one test program of the build (its file name without test_), `story SUITE
WORD` the stories of tests/SUITE with that word in their name. The sources
are copied, so that the checkout stays as it is. Before any mutant the unchanged copy
must pass every check that is used. Ends with `N caught, N missed`.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
HERE = pathlib.Path(__file__).resolve().parent
COPY = ROOT / "build-mutants"
SOURCE, BUILD = COPY / "source", COPY / "build"
TIME_LIMIT = int(os.environ.get("ARGIL_MUTANT_LIMIT", "900"))  # seconds a check may take: more on a busy machine


def quiet(command, **more):
    return subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **more)


def copy_sources():
    """What git knows of, with uncommitted changes; unchanged files keep their times."""
    SOURCE.mkdir(parents=True, exist_ok=True)
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True)
    wanted = {name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()}
    for path in list(SOURCE.rglob("*")):
        if path.is_file() and str(path.relative_to(SOURCE)) not in wanted:
            path.unlink()
    for name in sorted(wanted):
        source, target = ROOT / name, SOURCE / name
        if target.exists() and target.read_bytes() == source.read_bytes():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        shutil.copymode(source, target)


def configure():
    """Anew, too, when the sources have other tests than they had."""
    known = (BUILD / "build.ninja").exists()
    made = quiet(["ninja", "-C", str(BUILD), "build.ninja"] if known else ["meson", "setup", str(BUILD), str(SOURCE)])
    if made.returncode:
        sys.exit(made.stdout)


def introspect(what):
    return json.loads(quiet(["meson", "introspect", what, str(BUILD)]).stdout)


def unit_tests():
    """Test programs by name: their command, environment and what must be built for them."""
    files = {target["id"]: target["filename"] for target in introspect("--targets")}
    tests = {}
    for test in introspect("--tests"):
        name = pathlib.Path(test["cmd"][0]).name.removeprefix("test_")
        needed = [test["cmd"][0]] + [file for target in test.get("depends", []) for file in files.get(target, [])]
        tests.setdefault(name, (test["cmd"], test["env"], [os.path.relpath(path, BUILD) for path in needed]))
    return tests


class Check:
    """One way to notice: targets of the build and a command that fails then."""

    def __init__(self, text, tests):
        self.text, self.env = text, dict(os.environ)
        kind, _, what = text.partition(" ")
        if kind == "sim":
            self.targets = ["tests/sim/argil_sim"]
            self.command = [sys.executable, str(SOURCE / "tests/sim/run_sim.py"), "--first", "--seeds", what.strip()]
            self.env["ARGIL_BUILD"] = str(BUILD)
        elif kind == "story":
            suite, _, word = what.strip().partition(" ")
            self.targets = ["src/argil/argil", "src/localorg/rest/localorg"]
            self.command = [sys.executable, str(SOURCE / f"tests/{suite}/run.py"), word]
            self.env["ARGIL_BUILD"] = str(BUILD)
        elif kind == "unit" and what.strip() in tests:
            self.command, env, self.targets = tests[what.strip()]
            self.env.update(env)
        else:
            raise SystemExit(f"not understood, or there is no such test: caught by: {text}")

    def fails(self):
        """None = it passed; else what it said."""
        try:
            run = quiet(self.command, cwd=SOURCE, timeout=TIME_LIMIT, env=self.env)
        except subprocess.TimeoutExpired:
            return f"{self.text}: did not end in {TIME_LIMIT} s"
        if run.returncode == 0:
            return None
        lines = [line for line in run.stdout.splitlines() if re.match(r"seed |FAILED|\[  FAILED|.*BROKEN|.*error", line)]
        return f"{self.text}: {lines[0][:150] if lines else f'exit {run.returncode}'}"


def enough(known):
    """The checks that hold the others: N seeds of the simulation are the first of any longer run."""
    sims = [text for text in known if text.startswith("sim ")]
    longest = max(sims, key=lambda text: int(text.split()[1]), default=None)
    return [check for text, check in known.items() if text not in sims or text == longest]


def build(targets):
    return quiet(["ninja", "-C", str(BUILD)] + sorted(set(targets)))


def read(path):
    text = path.read_text()
    head = text.split("\ndiff ")[0].split("\n--- ")[0]
    breaks = re.findall(r"^breaks: (.*)$", head, flags=re.M)
    checks = re.findall(r"^caught by: (.*)$", head, flags=re.M)
    if not breaks or not checks:
        raise SystemExit(f"{path.name}: a mutant says what it breaks and what catches it")
    return breaks[0], checks


def patch(path, *more):
    return quiet(["patch", "-p1", "-F2", "--no-backup-if-mismatch", "-s", *more, "-i", str(path)], cwd=SOURCE)


def try_mutant(path, checks):
    """(caught, why)"""
    done = patch(path)
    if done.returncode:
        return False, "the patch does not apply: " + done.stdout.strip().splitlines()[0]
    try:
        made = build([target for check in checks for target in check.targets])
        if made.returncode:
            errors = [line for line in made.stdout.splitlines() if "error" in line]
            return False, "it does not build: " + (errors[0] if errors else "?")
        for check in checks:
            said = check.fails()
            if said:
                return True, said
        return False, "nothing noticed"
    finally:
        patch(path, "-R")


def main():
    words = sys.argv[1:]
    copy_sources()
    configure()
    mutants = [(path, *read(path)) for path in sorted(HERE.glob("*.patch")) if not words or any(w in path.name for w in words)]
    tests = unit_tests()
    known = {text: Check(text, tests) for _, _, texts in mutants for text in texts}
    print(f"{len(mutants)} mutants; first the unchanged sources", flush=True)
    made = build([target for check in known.values() for target in check.targets])
    if made.returncode:
        print(made.stdout[-3000:])
        return 1
    for check in enough(known):
        said = check.fails()
        if said:
            print(f"the unchanged sources fail: {said}")
            return 1
    caught = missed = 0
    for path, breaks, texts in mutants:
        began = time.monotonic()
        good, why = try_mutant(path, [known[text] for text in texts])
        caught, missed = caught + good, missed + (not good)
        print(f"{'caught' if good else 'MISSED'}  {path.stem}: {breaks}\n        {why} ({time.monotonic() - began:.0f} s)",
              flush=True)
    print(f"{caught} caught, {missed} missed")
    return 1 if missed or not caught else 0


if __name__ == "__main__":
    sys.exit(main())
