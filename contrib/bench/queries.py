"""Runs of pgbench, and the CPU that they cost."""
import glob
import os
import re
import resource
import subprocess
import tempfile
import time

import contenders
from servers import PASSWORD, SCRAM, TRUSTED


class Queries:
    """pgbench with so many clients in one thread. Figures of a run:

    cost: user and system time of the proxy's process tree for a transaction, in us, logins taken off
    speed: transactions a second; p50, p99: latency in ms, of a sample of one in five
    servers_us, client_us: CPU time of the servers' processes and of pgbench for a transaction
    others: part of the machine that processes took which are none of ours
    standby: the standby's part of the servers' CPU time, where reads are spread over two servers
    """

    cost_unit, speed_unit = "us", "tps"

    def __init__(self, clients, what=("-S",), mode="simple", tls=False, reconnect=False, among=contenders.PLAIN):
        self.clients, self.what, self.mode, self.tls, self.reconnect = clients, what, mode, tls, reconnect
        self.among = among

    def run(self, world, name, options):
        place, system = world.place(name), world.system(name)
        self.pgbench(world, place, ["-t", "20"])

        def used():
            time.sleep(0.1)  # server processes that end just now would be counted nowhere
            return (system.process.cpu() if system else 0), *world.servers.cpu()

        zero = before = used()
        login = {"transactions": 0, "cpu": 0}
        if not self.reconnect:  # there, connecting is what is measured
            login = self.pgbench(world, place, ["-t", "1"])
            before = used()
        busy, started = world.busy(), time.monotonic()
        with tempfile.TemporaryDirectory() as logs, options.watching(system):
            r = self.pgbench(world, place, ["-T", str(options.time), "-l", "--log-prefix", logs + "/l", "--sampling-rate", "0.2"])
            latencies = sorted(int(line.split(None, 3)[2]) / 1e3 for g in glob.glob(logs + "/l*") for line in open(g))
        after = used()
        busy, seconds = world.busy() - busy, time.monotonic() - started
        n = r["transactions"] - login["transactions"]
        proxy, primary, standby = ((c - b) - (b - a) for a, b, c in zip(zero, before, after))
        others = busy - sum(c - b for b, c in zip(before, after)) - r["cpu"]
        out = {"speed": r["tps"], "servers_us": (primary + standby) / n * 1e6, "client_us": (r["cpu"] - login["cpu"]) / n * 1e6,
               "others": max(0, others / seconds / os.cpu_count())}
        if system:
            out["cost"] = proxy / n * 1e6
        if latencies and not self.reconnect:  # pgbench's log leaves connecting out
            out["p50"], out["p99"] = (latencies[int(len(latencies) * q)] for q in (0.5, 0.99))
        if contenders.ALL[name].route == contenders.SPREAD:
            out["standby"] = standby / (primary + standby)
        return out

    def pgbench(self, world, place, how):
        host, port, database = place
        command = [f"{world.servers.bin}/pgbench", "-n", "-h", host, "-p", str(port), "-c", str(self.clients), "-j", "1",
                   "-U", SCRAM if self.reconnect else TRUSTED, "-M", self.mode, *how]
        environment = {**os.environ, "PGPASSWORD": PASSWORD, "PGSSLMODE": "require" if self.tls else "disable", "PGGSSENCMODE": "disable"}
        if self.reconnect:
            command.append("-C")
        with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
            if isinstance(self.what, str):
                script.write(self.what)
                script.flush()
                command += ["-f", script.name]
            else:
                command += self.what
            u = resource.getrusage(resource.RUSAGE_CHILDREN)
            r = subprocess.run(command + [database], capture_output=True, text=True, env=environment, timeout=300)
            v = resource.getrusage(resource.RUSAGE_CHILDREN)
        if r.returncode or "tps = " not in r.stdout:
            raise RuntimeError(f"pgbench: {(r.stderr.strip() or r.stdout.strip())[-300:]}")
        if failed := int(re.search(r"failed transactions: (\d+)", r.stdout)[1]):
            raise RuntimeError(f"pgbench: {failed} transactions failed")
        return {"tps": float(re.search(r"tps = ([\d.]+)", r.stdout)[1]),
                "transactions": int(re.search(r"actually processed: (\d+)", r.stdout)[1]),
                "cpu": v.ru_utime + v.ru_stime - u.ru_utime - u.ru_stime}
