"""Packages from npm, installed once a machine beside the build.

    node, modules = npm.ensure(HOME, {"node": "22.23.3", "jsforce": "3.10.26"})

Debian's node is older than what many clients want: npm brings a newer one as
the package `node`.
"""
import json
import os
import shutil
import subprocess


def as_root(*command):
    subprocess.run((() if os.geteuid() == 0 else ("sudo",)) + command, check=True, stdout=subprocess.DEVNULL)


def apt_install(*packages):
    as_root("apt-get", "update", "-qq")
    as_root("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "-qq", "--no-install-recommends",
            *packages)


def find_node(home):
    for pattern in ("node/bin/node", "node-linux-*/bin/node", "node/node_modules/node-linux-*/bin/node"):
        for found in sorted((home / "node_modules").glob(pattern)):
            return found
    return None


def ensure(home, packages):
    """Returns (node program, NODE_PATH)."""
    marker = home / "installed.json"
    if not (marker.exists() and json.loads(marker.read_text()) == packages and find_node(home)):
        if not shutil.which("npm"):
            apt_install("nodejs", "npm")
        home.mkdir(parents=True, exist_ok=True)
        (home / "package.json").write_text(json.dumps({"private": True, "dependencies": packages}))
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"],
                       cwd=home, check=True, stdout=subprocess.DEVNULL)
        if not find_node(home):  # an npm that runs no install scripts
            subprocess.run(["npm", "rebuild", "--foreground-scripts", "node"], cwd=home, check=False,
                           stdout=subprocess.DEVNULL)
        if not find_node(home):
            raise SystemExit("npm installed no node program")
        marker.write_text(json.dumps(packages))
    return str(find_node(home)), str(home / "node_modules")
