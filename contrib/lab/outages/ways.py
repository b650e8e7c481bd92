"""The ways in which an operator has a server recovered."""
import contextlib
import os
import re
import signal
import subprocess

from . import hosts

SETTING = "recovery_1st_stage_command"


class Way:
    """A command, and whether recovery_1st_stage_command is set meanwhile."""

    def __init__(self, scripts, command):
        self.scripts, self.words = scripts, command

    def enter(self):
        configure(self.scripts)

    def begin(self, target, source):
        """Types the command: on the client, or on the healthy host. The process ends with its status."""
        node = str(int(target[2:]) - 1)
        return subprocess.Popen([hosts.LAB, "exec", *self.words(node, source)], start_new_session=True, text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def pcp(node, source):
    return ["client", "pcp_recovery_node", "-h", hosts.VIP, "-p", "9898", "-U", "pgpool", "-w", "-n", node]


def backup(node, source):
    return [f"postgres@{source}", "pgwatch", "recover", node, "--method", "backup", "--config", "/etc/pgpool2/pgpool.conf"]


ALL = {"script": Way(True, pcp), "auto": Way(False, pcp), "backup": Way(True, backup)}


def answer(command, limit):
    """What it said in the end, "" when it succeeded, which Pgpool-II's programs tell by words only. After so many seconds it
    is interrupted."""
    try:
        said, _ = command.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(command.pid, signal.SIGKILL)
        command.communicate()
        return f"no answer within {limit} s"
    if command.returncode == 0 and "ERROR" not in said:
        return ""
    return " ".join(said.split())[-400:] or f"status {command.returncode}"


def configure(scripts):
    """Sets recovery_1st_stage_command, or comments it out, everywhere."""
    changed = False
    for host in hosts.names():
        name = os.path.join(hosts.STATE, "hosts", host, "etc/pgpool2/pgpool.conf")
        if not os.path.exists(name):
            continue
        with open(name) as f:
            before = f.read()
        after = re.sub(rf"^(#outage )?({SETTING} *=)", r"\2" if scripts else r"#outage \2", before, flags=re.M)
        if after != before:
            changed = True
            with open(name, "w") as f:
                f.write(after)
    if changed:
        hosts.lab("exec", "client", "pcp_reload_config", "-h", hosts.VIP, "-p", "9898", "-U", "pgpool", "-w", "-s", "cluster")
