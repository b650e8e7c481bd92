"""Processes that are started, measured by /proc as whole trees, and ended."""
import contextlib
import ctypes
import glob
import os
import pwd
import re
import signal
import subprocess

TICK = os.sysconf("SC_CLK_TCK")
PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None, use_errno=True)


def account():
    """The user to run servers as: PostgreSQL, PgBouncer and Pgpool-II refuse to be root."""
    if os.geteuid() != 0:
        return {}
    p = pwd.getpwnam("postgres")
    return {"user": p.pw_uid, "group": p.pw_gid, "extra_groups": []}


def owned(path, text=None, mode=0o600):
    """Gives a file or folder, written with text if there is one, to the user of the servers."""
    if text is not None:
        with open(path, "w") as f:
            f.write(text)
    os.chmod(path, mode)
    if a := account():
        os.chown(path, a["user"], a["group"])
    return path


def stat(pid):
    """The fields of /proc/PID/stat after the command's name; None when there is no such process."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rpartition(")")[2].split()
    except OSError:
        return None


class Process:
    """A program in the foreground, in a session of its own so that Ctrl-C reaches the benchmark only."""

    def __init__(self, command, folder, log, end=signal.SIGTERM):
        self.end = end
        self.log = log

        def follow():  # however the benchmark dies, this one does too
            libc.prctl(PR_SET_PDEATHSIG, end)

        with open(log, "a") as f:
            self.popen = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=f, stderr=f, cwd=folder,
                                          start_new_session=True, preexec_fn=follow, **account())
        self.pid = self.popen.pid

    def check(self):
        """Raises when the process has ended, with the end of its log."""
        if self.popen.poll() is not None:
            with open(self.log, errors="replace") as f:
                raise RuntimeError(f"{self.popen.args[0]} ended with {self.popen.returncode}: {f.read()[-600:].strip()}")

    def tree(self):
        """The process and its descendants, as {pid: stat fields}."""
        found, children = {}, {}
        for d in os.listdir("/proc"):
            if d.isdigit() and (fields := stat(d)):
                found[int(d)] = fields
                children.setdefault(int(fields[1]), []).append(int(d))
        out, todo = {}, [self.pid]
        while todo:
            p = todo.pop()
            if p in found:
                out[p] = found[p]
                todo += children.get(p, [])
        return out

    def cpu(self):
        """User and system seconds of the tree so far, with those of children that were reaped.

        A process' own time is cut to 10 ms in stat, too coarse for hundreds of processes, so the run time of its
        threads is taken where the kernel gives it (nanoseconds).
        """
        total = 0
        for p, f in self.tree().items():
            ns = 0
            for t in glob.glob(f"/proc/{p}/task/*/schedstat"):
                with contextlib.suppress(OSError, ValueError, IndexError), open(t) as s:
                    ns += int(s.read().split()[0])
            total += max(ns / 1e9, (int(f[11]) + int(f[12])) / TICK) + (int(f[13]) + int(f[14])) / TICK
        return total

    def memory(self):
        """(PSS, RSS) of the tree in KiB; PSS counts a page that n processes share as 1/n."""
        pss = rss = 0
        for p in self.tree():
            with contextlib.suppress(OSError), open(f"/proc/{p}/smaps_rollup") as f:
                t = f.read()
                pss += int(re.search(r"^Pss:\s+(\d+)", t, re.M)[1])
                rss += int(re.search(r"^Rss:\s+(\d+)", t, re.M)[1])
        return pss, rss

    def stop(self):
        """Ends it, and what it leaves behind of its session."""
        members = list(self.tree())
        if self.popen.poll() is None:
            self.popen.send_signal(self.end)
            try:
                self.popen.wait(10)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()
        for p in members:
            if (f := stat(p)) and int(f[3]) == self.pid:
                with contextlib.suppress(OSError):
                    os.kill(p, signal.SIGKILL)


def machine():
    """Busy CPU seconds of the whole machine, without interrupts and stolen time."""
    with open("/proc/stat") as f:
        return sum(map(int, f.readline().split()[1:4])) / TICK
