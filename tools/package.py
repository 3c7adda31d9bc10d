#!/usr/bin/env python3
"""./dev package: argil_VERSION_ARCH.deb and localorg_VERSION_ARCH.deb from a build.

Stages what belongs into each package, asks dpkg-shlibdeps what the programs need,
writes control and md5sums, and lets dpkg-deb build. Man page and shell completion
are printed by the program itself, so they are those of the packaged version.

  tools/package.py [--build DIR] [--out DIR]     build both packages, print their paths
  tools/package.py --try                         and install them in a fresh chroot
                                                 (debootstrap), start, run the demo there
"""
import argparse
import gzip
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
PACKAGING = ROOT / "packaging"
MAINTAINER = "Argil maintainers <maintainers@argil.example>"
# Loaded by name when the first formula runs, so that no tool sees it in the program.
RUNTIME = ["libjavascriptcoregtk-4.1-0", "tzdata", "ca-certificates", "adduser"]


def version():
    return re.search(r"version: '([^']+)'", (ROOT / "meson.build").read_text()).group(1)


def output(*command, **more):
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, **more).stdout


def put(stage, path, data, mode=0o644):
    target = stage / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data if isinstance(data, bytes) else data.encode())
    target.chmod(mode)


def put_gz(stage, path, data):
    put(stage, path, gzip.compress(data if isinstance(data, bytes) else data.encode(), 9, mtime=0))


def put_program(stage, name, built):
    put(stage, f"usr/bin/{name}", built.read_bytes(), 0o755)
    subprocess.run(["strip", "--strip-unneeded", str(stage / "usr/bin" / name)], check=True)


def put_doc(stage, package):
    put(stage, f"usr/share/doc/{package}/copyright", (PACKAGING / "debian/copyright").read_text())
    put_gz(stage, f"usr/share/doc/{package}/changelog.gz", (ROOT / "CHANGELOG.md").read_text())


def needs(program):
    """What the program's libraries are packaged as: dpkg-shlibdeps wants a source tree."""
    with tempfile.TemporaryDirectory() as home:
        put(pathlib.Path(home), "debian/control", "Source: argil\n\nPackage: argil\nArchitecture: any\n")
        line = output("dpkg-shlibdeps", "-O", "--ignore-missing-info", str(program), cwd=home,
                      stderr=subprocess.DEVNULL)
    return [word.strip() for word in line.split("=", 1)[1].split(",")]


def stage_argil(stage, build):
    argil = build / "src/argil/argil"
    put_program(stage, "argil", argil)
    put_gz(stage, "usr/share/man/man1/argil.1.gz", output(argil, "help", "man-page"))
    put(stage, "usr/share/bash-completion/completions/argil", output(argil, "completion", "bash"))
    put(stage, "usr/share/zsh/vendor-completions/_argil", output(argil, "completion", "zsh"))
    put(stage, "usr/share/fish/vendor_completions.d/argil.fish", output(argil, "completion", "fish"))
    for unit in ("argil.service", "argil-worker@.service"):
        put(stage, f"lib/systemd/system/{unit}", (PACKAGING / "systemd" / unit).read_text())
    put(stage, "etc/argil/argil.env", (PACKAGING / "argil.env").read_text(), 0o640)
    put_gz(stage, "usr/share/doc/argil/operate.md.gz", (ROOT / "docs/guides/operate.md").read_text())
    for example in sorted((ROOT / "examples").glob("*.yaml")):
        put(stage, f"usr/share/doc/argil/examples/{example.name}", example.read_text())
    put_doc(stage, "argil")
    for script in ("postinst", "prerm", "postrm"):
        put(stage, f"DEBIAN/{script}", (PACKAGING / f"debian/argil.{script}").read_text(), 0o755)
    put(stage, "DEBIAN/conffiles", "/etc/argil/argil.env\n")
    return {"Package": "argil", "Section": "database", "Depends": needs(stage / "usr/bin/argil") + RUNTIME,
            "Suggests": ["localorg", "postgresql"],
            "Description": "live tables over Salesforce, self-hosted\n"
                           " Connects an org once; tables import its records, stay in sync, enrich each row\n"
                           " through columns and write the result back, without ever making a duplicate.\n"
                           " Has a server with a web app and an API, workers, and a command line."}


def stage_localorg(stage, build):
    put_program(stage, "localorg", build / "src/localorg/rest/localorg")
    put(stage, "lib/systemd/system/localorg.service", (PACKAGING / "systemd/localorg.service").read_text())
    put_gz(stage, "usr/share/man/man1/localorg.1.gz", localorg_page(build))
    put(stage, "usr/share/doc/localorg/README.md", (ROOT / "docs/localorg/README.md").read_text())
    put_doc(stage, "localorg")
    return {"Package": "localorg", "Section": "devel", "Depends": needs(stage / "usr/bin/localorg"),
            "Description": "Salesforce org on localhost, for trying and testing\n"
                           " Speaks the surfaces of a Salesforce org that clients use: OAuth pages, describe,\n"
                           " SOQL, records, composite, Bulk, streaming, SOAP; with faults on demand."}


def localorg_page(build):
    """Its own help as a page."""
    program = build / "src/localorg/rest/localorg"
    text = "\n".join(output(program, "help", *words) for words in ((), ("serve",), ("load",)))
    body = "\n".join("\\&" + line.replace("\\", "\\\\").replace("-", "\\-") for line in text.splitlines())
    return (f'.TH LOCALORG 1 "" "localorg {version()}"\n.SH NAME\nlocalorg \\- a Salesforce org on localhost\n'
            f".SH SYNOPSIS\n.B localorg serve\n[options]\n.SH DESCRIPTION\n.nf\n{body}\n.fi\n")


def write_control(stage, control, architecture):
    files = [p for p in stage.rglob("*") if p.is_file() and "DEBIAN" not in p.parts]
    fields = {"Package": control["Package"], "Version": version(), "Architecture": architecture,
              "Maintainer": MAINTAINER, "Installed-Size": str(sum(p.stat().st_size for p in files) // 1024 + 1),
              "Section": control["Section"], "Priority": "optional"}
    for name in ("Depends", "Suggests"):
        if control.get(name):
            fields[name] = ", ".join(control[name])
    fields["Description"] = control["Description"]
    put(stage, "DEBIAN/control", "".join(f"{name}: {value}\n" for name, value in fields.items()))
    put(stage, "DEBIAN/md5sums", "".join(
        f"{hashlib.md5(p.read_bytes()).hexdigest()}  {p.relative_to(stage)}\n" for p in sorted(files)))


def build_packages(build, out):
    architecture = output("dpkg", "--print-architecture").strip()
    out.mkdir(parents=True, exist_ok=True)
    made = []
    for stage_one in (stage_argil, stage_localorg):
        with tempfile.TemporaryDirectory() as home:
            stage = pathlib.Path(home) / "stage"
            stage.mkdir(mode=0o755)
            control = stage_one(stage, build)
            for folder in [stage, *stage.rglob("*")]:
                if folder.is_dir():
                    folder.chmod(0o755)
            write_control(stage, control, architecture)
            deb = out / f"{control['Package']}_{version()}_{architecture}.deb"
            output("dpkg-deb", "--root-owner-group", "--build", str(stage), str(deb))
            made.append(deb)
    return made


# ------------------------------------------------------------------ a fresh chroot

def in_chroot(root, *command, ok=True, **more):
    env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run(["chroot", str(root), *command], check=ok, env=env, **more)


def exec_start(root):
    """The unit's own command line and settings: no systemd runs in a chroot."""
    unit = (root / "lib/systemd/system/argil.service").read_text()
    words = re.search(r"^ExecStart=(.*)$", unit, flags=re.M).group(1).replace("$ARGIL_SERVE_OPTIONS", "")
    return words.split(), re.search(r"^Environment=(.*)$", unit, flags=re.M).group(1).split()


def check_service(root):
    words, settings = exec_start(root)
    as_argil = ["setpriv", "--reuid", "argil", "--regid", "argil", "--init-groups", "env", *settings]
    in_chroot(root, *as_argil, "/usr/bin/argil", "init", "--quiet")
    serve = subprocess.Popen(["chroot", str(root), *as_argil, *words, "--listen", "127.0.0.1:0", "--json"],
                             stdout=subprocess.PIPE, text=True)
    line = serve.stdout.readline()
    assert '"url"' in line, f"argil serve said {line!r}"
    url = re.search(r'"url":"([^"]+)"', line).group(1)
    health = output("curl", "-sf", url + "/healthz")
    serve.terminate()
    assert serve.wait(60) == 0, "argil serve did not stop"
    print("the unit's command starts, answers and stops:", health.strip()[:60])


def try_in_chroot(debs):
    root = pathlib.Path(tempfile.mkdtemp(prefix="argil-chroot-"))
    root.chmod(0o755)
    try:
        suite = re.search(r"VERSION_CODENAME=(\w+)", pathlib.Path("/etc/os-release").read_text()).group(1)
        subprocess.run(["debootstrap", "--variant=minbase", suite, str(root)], check=True, stdout=subprocess.DEVNULL)
        for setting in ("etc/apt/apt.conf", "etc/apt/sources.list"):
            if pathlib.Path("/", setting).is_file():
                shutil.copy(pathlib.Path("/", setting), root / setting)
        for folder in ("etc/apt/apt.conf.d", "etc/apt/sources.list.d"):
            shutil.copytree(pathlib.Path("/", folder), root / folder, dirs_exist_ok=True)
        shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
        subprocess.run(["mount", "-t", "proc", "proc", str(root / "proc")], check=True)
        for deb in debs:
            shutil.copy(deb, root / "tmp")
        in_chroot(root, "apt-get", "update", "-qq")
        in_chroot(root, "apt-get", "install", "-y", "-qq", "--no-install-recommends", "python3",
                  *(f"/tmp/{deb.name}" for deb in debs), stdout=subprocess.DEVNULL)
        print("installed:", output("chroot", str(root), "argil", "version").strip())
        check_service(root)
        (root / "srv/demo/tools").mkdir(parents=True)
        shutil.copy(ROOT / "tools/demo.py", root / "srv/demo/tools")
        shutil.copytree(ROOT / "examples", root / "srv/demo/examples")
        in_chroot(root, "env", "ARGIL_PROGRAMS=/usr/bin", "python3", "/srv/demo/tools/demo.py", "--exit")
        in_chroot(root, "apt-get", "purge", "-y", "-qq", "argil", "localorg", stdout=subprocess.DEVNULL)
        assert not (root / "usr/bin/argil").exists() and (root / "var/lib/argil/data").exists()
        print("purged; the workspace is kept")
    finally:
        subprocess.run(["umount", str(root / "proc")], check=False)
        shutil.rmtree(root, ignore_errors=True)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--build", type=pathlib.Path, default=ROOT / "build-release")
    options.add_argument("--out", type=pathlib.Path, default=ROOT / "packages")
    options.add_argument("--try", dest="chroot", action="store_true")
    given = options.parse_args()
    debs = build_packages(given.build.resolve(), given.out.resolve())
    for deb in debs:
        print(deb)
    if given.chroot:
        try_in_chroot(debs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
