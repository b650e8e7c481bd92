"""Moments of a recovery, seen from outside: its processes, and the copy that grows."""
import contextlib
import os
import time

from . import hosts

DATA = "var/lib/postgresql/14/main"
GROWN = 32 << 20  # bytes, of a copy of more than 100 MB


def recoveries():
    """The numbers of the pgrecover that are at work."""
    return [pid for host in hosts.ADDRESS for pid in hosts.processes(host, "pgrecover") if b"run" in hosts.words(pid)]


def begun(target):
    return bool(recoveries())


def copying(target):
    """pg_rewind works, or pg_basebackup has written a part of its copy: beside the data, or by a script in its place."""
    if hosts.processes(target, "pg_rewind"):
        return True
    data = os.path.join(hosts.STATE, "hosts", target, DATA)
    new = data + ".pgrecover-new"
    return bool(hosts.processes(target, "pg_basebackup")) and size(new if os.path.exists(new) else data) > GROWN


def started(target):
    """The server starts on its new data, or runs."""
    return any(b"-D" in (w := hosts.words(pid)) and b"--single" not in w and b"-C" not in w for pid in hosts.processes(target, "postgres"))


def size(folder):
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.stat(os.path.join(place, name)).st_size
    return total


def wait(moment, target, command):
    """Returns when it has come; False when the command ends before."""
    while not moment(target):
        if command.poll() is not None:
            return False
        time.sleep(0.002)
    return True


ALL = {"begun": begun, "copying": copying, "started": started}
