"""pgbench on the client host, without reconnecting."""
import glob
import os
import re
import subprocess
import tempfile

from . import hosts

CLIENTS = 16
BUSY = "\\set n random(1, 1000)\nUPDATE outage.account SET balance = balance + 1 WHERE n = :n;\n"
REST = 0.3
RESTING = f"\\sleep {int(REST * 1000)} ms\n" + BUSY
TABLE = """CREATE TABLE IF NOT EXISTS outage.account (n int PRIMARY KEY, balance int NOT NULL); GRANT ALL ON outage.account TO PUBLIC;
    INSERT INTO outage.account SELECT n, 0 FROM generate_series(1, 1000) AS n ON CONFLICT DO NOTHING"""


class Run:
    def __init__(self, seconds, script):
        self.dir = tempfile.TemporaryDirectory()
        name = os.path.join(self.dir.name, "script")
        with open(name, "w") as f:
            f.write(script)
        command = [program(), "-n", "-h", hosts.VIP, "-p", "9999", "-U", "postgres", "-c", str(CLIENTS), "-j", "2", "-T", str(seconds), "-f", name,
                   "-l", "--log-prefix", os.path.join(self.dir.name, "log"), "postgres"]
        client = hosts.Network("client")
        self.process = subprocess.Popen(command, env={**os.environ, "PGPASSWORD": "postgres", "PGSSLMODE": "disable"}, text=True,
                                        preexec_fn=client.enter, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def result(self):
        out, err = self.process.communicate(timeout=180)
        ends = {}  # by client, times of the wall clock
        for name in glob.glob(os.path.join(self.dir.name, "log*")):
            with open(name) as f:
                for line in f:
                    w = line.split()
                    ends.setdefault(int(w[0]), []).append(int(w[4]) + int(w[5]) / 1e6)
        return Result(out, err, ends)


class Result:
    def __init__(self, out, err, ends):
        self.ends = ends
        # An aborted client is named in many words, in each of its lines.
        self.gone = {int(n) for n in re.findall(r"client (\d+) (?:script \d+ )?abort", err)}
        self.aborted = len(self.gone)
        m = re.search(r"number of failed transactions: (\d+)", out)
        self.failed = int(m[1]) if m else 0
        self.transactions = sum(map(len, ends.values()))
        self.errors = sorted(set(re.sub(r"client \d+", "client N", line) for line in err.splitlines() if "error" in line.lower()))[:5]
        if not ends:
            raise RuntimeError(f"pgbench did nothing: {err.strip()[-500:]}")

    def pause(self):
        """The longest time in which no client finished anything."""
        all_ends = sorted(t for ends in self.ends.values() for t in ends)
        return max(b - a for a, b in zip(all_ends, all_ends[1:]))

    def lost(self, wall, in_flight):
        """Clients that were lost, whose last transaction had begun by that time, or (not in_flight) had not."""
        return [c for c in self.gone if (max(self.ends.get(c, [0])) + REST < wall) == in_flight]


def program():
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/pgbench"))
    if not found:
        raise RuntimeError("pgbench is not installed")
    return found[-1]
