"""The lab's hosts as this machine sees them. Their processes have numbers here too, so that a fault takes effect at once."""
import calendar
import contextlib
import ctypes
import os
import re
import signal
import subprocess
import time

LAB = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lab")
STATE = os.environ.get("LAB_STATE", "/run/pgcrew-lab")
ADDRESS = {"db1": "198.51.100.11", "db2": "198.51.100.12"}
VIP = "198.51.100.100"
CREW = ("pgrouter", "pgwatch", "pgvip")

libc = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
MACHINE = open("/proc/self/ns/net")  # before any thread has left it


def lab(*words, check=True):
    p = subprocess.run([LAB, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if check and p.returncode:
        raise RuntimeError(f"lab {' '.join(words)} ended with {p.returncode}: {p.stderr.strip()[-500:]}")
    return p.stdout


def names():
    with open(os.path.join(STATE, "hostlist")) as f:
        return f.read().split()


def init(host):
    """The number of the host's init, or None when its power is off."""
    mark = f"pgcrew-lab:{STATE}:{host}".encode()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                if mark not in f.read().split(b"\0"):
                    continue
            with open(f"/proc/{pid}/status") as f:
                if re.search(r"^NSpid:\t\d+\t1$", f.read(), re.M):
                    return int(pid)
    return None


def processes(host, *wanted):
    """The numbers of the host's processes of these names."""
    out, first = [], init(host)
    if first is None:
        return out
    space = os.readlink(f"/proc/{first}/ns/pid")
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            with open(f"/proc/{pid}/comm") as f:
                if f.read().strip() in wanted and os.readlink(f"/proc/{pid}/ns/pid") == space:
                    out.append(int(pid))
    return out


def words(pid):
    """Its command line; nothing when it has ended."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as f:
        return f.read().split(b"\0")
    return []


def postmaster(host):
    for pid in processes(host, "postgres"):
        if b"-D" in words(pid):
            return pid
    raise RuntimeError(f"{host}: no postmaster runs")


def kill(pids, sig):
    """Signals all of them; returns when it began to."""
    at = time.monotonic()
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, sig)
    return at


ending = set()  # processes that were asked to end


def end(pids):
    """Asks them to end in order; returns when it began to. gone waits for it."""
    ending.update(pids)
    return kill(pids, signal.SIGTERM)


def gone(limit):
    """Waits for those that were asked to end. What is still there then is killed."""
    late = wait_gone(ending, limit)
    kill(late, signal.SIGKILL)
    ending.clear()
    return not late


def wait_gone(pids, limit):
    """Returns those that are still there after so many seconds."""
    until = time.monotonic() + limit
    while (pids := [p for p in pids if os.path.exists(f"/proc/{p}")]) and time.monotonic() < until:
        time.sleep(0.02)
    return pids


def power_off(host):
    """The cable first: what a dying kernel still sends reaches nobody."""
    pid, at = init(host), time.monotonic()
    on_switch("ip", "link", "del", host)
    os.kill(pid, signal.SIGKILL)
    return at


# What a machine does when it is switched on, or when its crew died: the server starts when there are data, as start.conf says.
BOOT = """set -euo pipefail; umask 022
for part in words settings state network disk hosts ssh postgres crew; do . "$LAB_DIR/$part.sh"; done
state_lock; was=$(host_pid "$1" || :); host_up "$1"; ssh_up
[ -n "$was" ] || [ ! -e "$STATE/hosts/$1$DATA/PG_VERSION" ] || on "$1" pg_ctlcluster 14 main start </dev/null >&2 || :
crew_up"""


def boot(host):
    """Brings a host back with all that runs there, and recovers nothing."""
    p = subprocess.run(["bash", "-c", BOOT, "boot", host], env={**os.environ, "LAB_DIR": os.path.dirname(LAB)}, stdin=subprocess.DEVNULL,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if p.returncode:
        raise RuntimeError(f"{host} does not come back: {p.stderr.strip()[-500:]}")


def on_switch(*words, check=True):
    subprocess.run(["nsenter", f"--net={STATE}/switch", *words], check=check, stdout=subprocess.DEVNULL, stderr=None if check else subprocess.DEVNULL)


def lose(host, percent):
    """From now on the host loses so many of its packets, those that come and those that go."""
    rule = f"numgen random mod 100 < {percent} drop\n"
    chains = "".join(f"chain {hook} {{\ntype filter hook {hook} priority 0\n{rule}}}\n" for hook in ("input", "output"))
    nft(host, f"table inet outage {{\n{chains}}}\n")


def lose_nothing(host):
    nft(host, "table inet outage\ndelete table inet outage\n")


def nft(host, rules):
    subprocess.run(["nsenter", "-t", str(init(host)), "--net", "nft", "-f", "-"], input=rules, text=True, check=True)


class Network:
    """A host's network, for threads of ours; None is this machine's."""

    def __init__(self, host):
        self.file = open(f"/proc/{init(host)}/ns/net") if host else MACHINE

    def enter(self):
        """The calling thread's new sockets are there from now on."""
        if libc.setns(self.file.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")


def has_address(pid):
    """Whether the host whose init is pid has the virtual address."""
    try:
        with open(f"/proc/{pid}/net/fib_trie") as f:
            return f"-- {VIP}\n" in f.read()
    except OSError:
        return False


def sql(host, statement, database="postgres"):
    return lab("exec", f"postgres@{host}", "psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-c", statement, database).strip()


def log_lines(since):
    """What the crew said since a time of the wall clock: (time, host, tool, words)."""
    out = []
    for host in names():
        for tool in ("pgwatch", "pgrouter", "pgvip"):
            with contextlib.suppress(OSError), open(f"{STATE}/hosts/{host}/var/log/pgpool_log/{tool}.log", errors="replace") as f:
                for line in f:
                    m = re.match(r"time=(\S+?)Z (.*)", line)
                    if m and (t := wall(m[1])) >= since:
                        out.append((t, host, tool, m[2]))
    return sorted(out)


def wall(text):
    whole, _, part = text.partition(".")
    return calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) + float("0." + (part or "0"))
