#!/usr/bin/env python3
"""Runs a command with a PostgreSQL of its own: with_postgres.py COMMAND...

Installs Debian's package where it is missing, makes a cluster in a temporary
directory that only a unix socket there reaches, and takes it away afterwards.
PostgreSQL refuses to run as root: as root it runs as `postgres`. What it stores
need not survive the machine, so nothing is synced. The command finds the address
in ARGIL_TEST_POSTGRES; where that is set already, that server is used.
"""
import contextlib
import glob
import os
import pathlib
import pwd
import shutil
import subprocess
import sys
import tempfile

USER = "postgres"
SETTINGS = {"listen_addresses": "", "fsync": "off", "full_page_writes": "off", "shared_buffers": "64MB",
            "max_connections": "60", "autovacuum_naptime": "60", "wal_level": "minimal", "max_wal_senders": "0"}


def programs():
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda p: int(pathlib.Path(p).parent.name))
    return pathlib.Path(found[-1]) if found else None


def install():
    if not programs():
        subprocess.run(["./dev", "install-postgres"], cwd=pathlib.Path(__file__).parents[2], check=True)
    return programs()


def as_user(command):
    if os.geteuid() != 0:
        return command
    return ["setpriv", "--reuid", USER, "--regid", USER, "--init-groups", "--"] + command


class Server:
    def __init__(self, settings=None):
        self.bin = install()
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="argil-pg-", dir="/tmp"))
        self.data = self.home / "data"
        self.settings = dict(SETTINGS, unix_socket_directories=str(self.home), **(settings or {}))
        if os.geteuid() == 0:
            owner = pwd.getpwnam(USER)
            os.chown(self.home, owner.pw_uid, owner.pw_gid)
        os.chmod(self.home, 0o755)
        self.run("initdb", "-D", self.data, "-U", "argil", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale", "C.UTF-8")
        self.start()

    def run(self, program, *args):
        subprocess.run(as_user([str(self.bin / program)] + [str(a) for a in args]), check=True, cwd="/",
                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def start(self):
        options = " ".join(f"-c {name}='{value}'" for name, value in self.settings.items())
        self.run("pg_ctl", "-D", self.data, "-w", "-l", self.home / "log", "-o", options, "start")

    def stop(self, how="fast"):
        with contextlib.suppress(subprocess.CalledProcessError):
            self.run("pg_ctl", "-D", self.data, "-w", "-m", how, "stop")

    def restart(self, how="immediate"):
        self.stop(how)
        self.start()

    def url(self, database="postgres"):
        return f"postgresql://argil@/{database}?host={self.home}"

    def sql(self, text, database="postgres"):
        done = subprocess.run([str(self.bin / "psql"), "-h", str(self.home), "-U", "argil", "-d", database, "-qAt",
                               "-v", "ON_ERROR_STOP=1", "-c", text], check=True, text=True, capture_output=True)
        return done.stdout.strip()

    def close(self):
        self.stop("immediate")
        shutil.rmtree(self.home, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


if __name__ == "__main__":
    if os.environ.get("ARGIL_TEST_POSTGRES"):
        sys.exit(subprocess.run(sys.argv[1:]).returncode)
    with Server() as server:
        sys.exit(subprocess.run(sys.argv[1:], env=dict(os.environ, ARGIL_TEST_POSTGRES=server.url())).returncode)
