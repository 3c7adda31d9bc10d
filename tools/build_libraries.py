#!/usr/bin/env python3
"""The libraries of formulas as one script: build_libraries.py [--force]

lodash, dayjs and Formula.js come from npm, exactly as src/formula/libraries/package-lock.json
says, and are put together as they are, each in a function of its own; glue.js gives
them their names. Without npm nothing is built, and formulas that use them say so.
"""
import hashlib
import json
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
HERE = ROOT / "src/formula/libraries"
HOME = ROOT / "build-libraries"
OUT = HOME / "libraries.js"
sys.path.insert(0, str(ROOT / "tests/support_py"))
import npm  # noqa: E402

FILES = (["lodash/lodash.min.js", "dayjs/dayjs.min.js", "@formulajs/formulajs/lib/browser/formula.min.js"] +
         [f"dayjs/plugin/{name}.js" for name in (
             "utc timezone customParseFormat advancedFormat relativeTime duration isoWeek quarterOfYear weekOfYear "
             "dayOfYear isBetween isSameOrAfter isSameOrBefore isLeapYear minMax localizedFormat").split()])


def inputs():
    digest = hashlib.sha256()
    for path in (HERE / "package-lock.json", HERE / "glue.js", pathlib.Path(__file__)):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def install():
    if not shutil.which("npm"):
        npm.apt_install("nodejs", "npm")
    HOME.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, HOME / name)
    subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"], cwd=HOME, check=True,
                   stdout=subprocess.DEVNULL)


def script():
    parts = ["(() => { const files = {"]
    for name in FILES:
        text = (HOME / "node_modules" / name).read_text()
        text = "\n".join(line for line in text.splitlines() if not line.startswith("//# sourceMappingURL"))
        parts.append(f"{json.dumps(name)}: function (module, exports) {{\n{text}\n}},")
    glue = (HERE / "glue.js").read_text().rstrip()
    parts.append("};\n(" + glue.rstrip(";") + ")(name => { const module = {exports: {}};"
                 " files[name](module, module.exports); return module.exports; }); })();\n")
    return "\n".join(parts)


def main():
    wanted = inputs()
    stamp = HOME / ".inputs"
    if "--force" not in sys.argv and stamp.exists() and stamp.read_text() == wanted and OUT.exists():
        return
    print("Putting the formula libraries together", file=sys.stderr)
    install()
    OUT.write_text(script())
    stamp.write_text(wanted)


if __name__ == "__main__":
    main()
