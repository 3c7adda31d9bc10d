#!/usr/bin/env python3
"""Builds the web app into web/dist, unless it is there already: build_web.py [--force]

What is built is known by its inputs (sources, lock file, versions below): the same
inputs are never built twice, and nothing is installed for a build that is not needed.
Node comes from the system when it is new enough for Vite, else from npm (package
`node`), as tests/conformance gets it.
"""
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
WEB = ROOT / "web"
STAMP = WEB / "dist" / ".inputs"
NODE = "22.23.3"  # from npm, where the system's is too old
HOME = pathlib.Path(os.environ.get("ARGIL_WEB_TOOLS", ROOT / "build-web"))
sys.path.insert(0, str(ROOT / "tests/support_py"))
import npm  # noqa: E402


def inputs():
    """One hash over everything that the result depends on."""
    digest = hashlib.sha256(NODE.encode())
    files = [p for p in WEB.rglob("*") if p.is_file() and not {"node_modules", "dist"} & set(p.relative_to(WEB).parts)]
    for path in sorted(files):
        digest.update(path.relative_to(WEB).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def new_enough(node):
    said = subprocess.run([node, "--version"], text=True, capture_output=True).stdout
    major, minor = (int(n) for n in re.match(r"v(\d+)\.(\d+)", said).groups())
    return (major, minor) >= (22, 12) or (major == 20 and minor >= 19)


def find_node():
    node = shutil.which("node")
    if node and new_enough(node):
        return node
    return npm.ensure(HOME, {"node": NODE})[0]


def install():
    """The packages of the lock file, exactly; again only when it changed."""
    lock = hashlib.sha256((WEB / "package-lock.json").read_bytes()).hexdigest()
    marker = WEB / "node_modules" / ".installed"
    if marker.exists() and marker.read_text() == lock:
        return
    if not shutil.which("npm"):
        npm.apt_install("nodejs", "npm")
    subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=WEB, check=True,
                   stdout=subprocess.DEVNULL)
    marker.write_text(lock)


def build():
    install()
    node = find_node()
    env = dict(os.environ, PATH=f"{pathlib.Path(node).parent}:{os.environ['PATH']}", NODE_ENV="production")
    for command in (["typescript/bin/tsc", "--noEmit"], ["vite/bin/vite.js", "build", "--logLevel", "warn"]):
        subprocess.run([node, str(WEB / "node_modules" / command[0]), *command[1:]], cwd=WEB, env=env, check=True)


def main():
    wanted = inputs()
    if "--force" not in sys.argv and STAMP.exists() and STAMP.read_text() == wanted:
        return
    print("Building the web app", file=sys.stderr)
    build()
    STAMP.write_text(wanted)


if __name__ == "__main__":
    main()
