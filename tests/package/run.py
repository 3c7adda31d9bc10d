#!/usr/bin/env python3
"""The Debian packages: they build, hold what they should, and say what they need.

The long form, `./dev package --try`, installs them in a fresh chroot, starts the
unit's command there and runs the demo.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import package  # noqa: E402


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


def main():
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="argil-package-") as home:
        debs = package.build_packages(ROOT / "build", pathlib.Path(home) / "out")
        for name, run in (("argil holds what it should", lambda: test_argil(debs[0], home)),
                          ("localorg holds what it should", lambda: test_localorg(debs[1], home)),
                          ("units start what is there", lambda: test_units(debs, home))):
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
