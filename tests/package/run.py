#!/usr/bin/env python3
"""The Debian packages: they build, hold what they should, and say what they need.

The long form, `./dev package --try`, installs them in a fresh chroot, starts the
unit's command there and runs the demo.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import package  # noqa: E402

try:
    import yaml
except ImportError:
    subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", "python3-yaml"], check=True,
                   stdout=subprocess.DEVNULL)
    import yaml


def text(*command):
    return subprocess.run(command, check=True, text=True, capture_output=True).stdout


def unpacked(deb, home):
    target = pathlib.Path(home) / deb.name
    subprocess.run(["dpkg-deb", "-R", str(deb), str(target)], check=True)
    return target


def test_argil(deb, home):
    root = unpacked(deb, home)
    control = (root / "DEBIAN/control").read_text()
    assert f"Version: {package.version()}\n" in control, control
    for need in ("libc6", "libcurl3", "libsqlite3-0", "libjavascriptcoregtk-4.1-0", "tzdata", "adduser"):
        assert re.search(rf"^Depends:.*\b{re.escape(need)}\b", control, flags=re.M), need
    assert text(str(root / "usr/bin/argil"), "version") == f"argil {package.version()}\n"
    page = text("gzip", "-dc", str(root / "usr/share/man/man1/argil.1.gz"))
    for command in ("store", "serve", "journal", "run"):
        assert f'.SS "argil {command} ' in page, command
    assert "argil store restore" in page.replace("\\", "")
    assert "complete -o default" in (root / "usr/share/bash-completion/completions/argil").read_text()
    assert (root / "DEBIAN/conffiles").read_text() == "/etc/argil/argil.env\n"
    subprocess.run(["md5sum", "--quiet", "-c", "DEBIAN/md5sums"], cwd=root, check=True)
    for script in ("postinst", "prerm", "postrm"):
        subprocess.run(["sh", "-n", str(root / "DEBIAN" / script)], check=True)
    owners = {line.split()[1] for line in text("dpkg-deb", "-c", str(deb)).splitlines()}
    assert owners == {"root/root"}, owners


def test_localorg(deb, home):
    root = unpacked(deb, home)
    assert "localorg" in text(str(root / "usr/bin/localorg"), "--help")
    assert "Depends: " in (root / "DEBIAN/control").read_text()


def test_units(debs, home):
    """What the units start is a command of the packaged programs, with options that it has."""
    for unit in sorted((ROOT / "packaging/systemd").glob("*.service")):
        for line in re.findall(r"^ExecStart(?:Pre)?=(.*)$", unit.read_text(), flags=re.M):
            program, command, *rest = line.split()
            assert program in ("/usr/bin/argil", "/usr/bin/localorg"), line
            root = pathlib.Path(home) / debs[0 if program.endswith("argil") else 1].name
            known = text(str(root / program.lstrip("/")), "help", command)
            for option in rest:
                assert not option.startswith("--") or option in known, f"{unit.name}: {option}"


def test_compose(home):
    """docker is asked where it is; the file's shape and the commands in it are looked at anyway."""
    file = ROOT / "packaging/compose/compose.yaml"
    asked = shutil.which("docker") and subprocess.run(["docker", "compose", "version"], capture_output=True)
    if asked and asked.returncode == 0:
        subprocess.run(["docker", "compose", "-f", str(file), "config", "--quiet"], check=True,
                       env=dict(os.environ, ARGIL_PUBLIC_URL="https://argil.example.com"))
    else:
        print("skipped: `docker compose config`: docker, or its compose, is not here")
    tree = yaml.safe_load(file.read_text())
    services = tree["services"]
    assert set(services) == {"db", "prepare", "server", "worker"}
    assert services["server"]["deploy"]["replicas"] == 2 and services["worker"]["deploy"]["replicas"] == 4
    for service in services.values():
        for secret in service.get("secrets", []):
            assert secret in tree["secrets"], secret
        for volume in service.get("volumes", []):
            assert volume.split(":")[0] in tree["volumes"], volume
    argil = str(pathlib.Path(home) / next(pathlib.Path(home).glob("argil_*.deb")).name / "usr/bin/argil")
    for name in ("server", "worker"):
        command, *words = services[name]["command"]
        known = text(argil, command, "--help")
        for option in (w for w in words if w.startswith("--")):
            assert option in known, f"{name}: {option}"


def test_monitoring():
    """Rules and board speak of metrics that the server has."""
    known = set(re.findall(r'metric\(out, "([a-z_]+)"', (ROOT / "src/api/health.c").read_text())) | {"operations"}
    known |= {f"request_seconds_{part}" for part in ("bucket", "sum", "count")}
    rules = yaml.safe_load((ROOT / "packaging/monitoring/prometheus-rules.yaml").read_text())
    board = json.loads((ROOT / "packaging/monitoring/grafana-board.json").read_text())
    asked = [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    asked += [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    for expression in asked:
        for name in re.findall(r"\bargil_([a-z_]+)", expression):
            assert name in known, f"{name} in {expression}"


def main():
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="argil-package-") as home:
        debs = package.build_packages(ROOT / "build", pathlib.Path(home) / "out")
        for name, run in (("argil holds what it should", lambda: test_argil(debs[0], home)),
                          ("localorg holds what it should", lambda: test_localorg(debs[1], home)),
                          ("units start what is there", lambda: test_units(debs, home)),
                          ("the compose file is sound", lambda: test_compose(home)),
                          ("rules and board know the metrics", test_monitoring)):
            try:
                run()
                passed += 1
                print(f"ok      {name}")
            except (AssertionError, subprocess.CalledProcessError, OSError) as problem:
                failed += 1
                print(f"FAILED  {name}: {problem!r}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
