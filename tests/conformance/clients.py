"""Real clients from npm, installed once a machine beside the build."""
import json
import os
import pathlib
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
HOME = pathlib.Path(os.environ.get("ARGIL_CLIENTS", ROOT / "build-clients"))
# jsforce 3.10.19 and newer want Node 22, which Debian does not have: npm brings it.
# @salesforce/cli is sf: 725 packages, 300 MB, half a minute to install.
PACKAGES = {"node": "22.23.3", "jsforce": "3.10.26", "@salesforce/cli": "2.150.6"}


def as_root(*command):
    subprocess.run((() if os.geteuid() == 0 else ("sudo",)) + command, check=True, stdout=subprocess.DEVNULL)


def find_node():
    for pattern in ("node/bin/node", "node-linux-*/bin/node", "node/node_modules/node-linux-*/bin/node"):
        for found in sorted((HOME / "node_modules").glob(pattern)):
            return found
    return None


def ensure():
    """Returns (node program, NODE_PATH)."""
    marker = HOME / "installed.json"
    if not (marker.exists() and json.loads(marker.read_text()) == PACKAGES and find_node()):
        if not shutil.which("npm"):
            as_root("apt-get", "update", "-qq")
            as_root("apt-get", "install", "-y", "-qq", "--no-install-recommends", "nodejs", "npm")
        HOME.mkdir(parents=True, exist_ok=True)
        (HOME / "package.json").write_text(json.dumps({"private": True, "dependencies": PACKAGES}))
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"],
                       cwd=HOME, check=True, stdout=subprocess.DEVNULL)
        if not find_node():  # an npm that runs no install scripts
            subprocess.run(["npm", "rebuild", "--foreground-scripts", "node"], cwd=HOME, check=False,
                           stdout=subprocess.DEVNULL)
        if not find_node():
            raise SystemExit("npm installed no node program")
        marker.write_text(json.dumps(PACKAGES))
    return str(find_node()), str(HOME / "node_modules")
