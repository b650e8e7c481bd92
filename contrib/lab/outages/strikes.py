"""Faults that strike a recovery: (target, source) are the host that is recovered, and the one that it is copied from."""
import re
import signal
import time

from . import hosts, moments

CUT = 5  # seconds


def kill_pgrecover(target, source):
    hosts.kill(moments.recoveries(), signal.SIGKILL)


def kill_source(target, source):
    """A process that serves the copy, else a session. The server ends all of them and recovers from the crash; its postmaster stays."""
    titles = {pid: b" ".join(hosts.words(pid)) for pid in hosts.processes(source, "postgres")}
    sessions = [pid for pid, title in titles.items() if re.search(rb"\(\d+\)|\[local\]", title)]
    hosts.kill(sorted(sessions, key=lambda pid: b"walsender" not in titles[pid])[:1], signal.SIGKILL)


def power_target(target, source):
    hosts.power_off(target)


def cut_target(target, source):
    hosts.on_switch("ip", "link", "set", target, "nomaster")
    time.sleep(CUT)
    hosts.on_switch("ip", "link", "set", target, "master", "bridge0")


def kill_pgwatch(target, source):
    """The one that runs the recovery."""
    hosts.kill({parent(pid) for pid in moments.recoveries()}, signal.SIGKILL)


def parent(pid):
    with open(f"/proc/{pid}/status") as f:
        return int(re.search(r"^PPid:\t(\d+)", f.read(), re.M)[1])


ALL = {"kill-pgrecover": kill_pgrecover, "kill-source": kill_source, "power-target": power_target, "cut-target": cut_target, "kill-pgwatch": kill_pgwatch}
