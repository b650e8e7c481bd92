"""A primary and a streaming standby of PostgreSQL, made for one run and removed after it."""
import glob
import os
import re
import signal
import subprocess
import time

from processes import Process, account, owned

TRUSTED, SCRAM = "bt", "bs"  # one user for each way to log in
PASSWORD = "benchpw"
DATABASE = "bench"
HBA = f"""host all {TRUSTED} 127.0.0.1/32 trust
host all {SCRAM} 127.0.0.1/32 scram-sha-256
"""
MAX_CONNECTIONS = 1500


def binaries():
    """The folder of PostgreSQL's programs: PGBIN, else the newest that Debian's packages have."""
    if "PGBIN" in os.environ:
        return os.environ["PGBIN"]
    found = glob.glob("/usr/lib/postgresql/*/bin/postgres")
    if not found:
        raise LookupError("there is no PostgreSQL under /usr/lib/postgresql; name its folder of programs in PGBIN")
    return os.path.dirname(max(found, key=lambda p: int(re.search(r"\d+", p)[0])))


class Servers:
    """Ports of the primary and the standby in .ports, their Unix sockets in .folder."""

    def __init__(self, folder, ports, scale):
        self.folder, self.ports, self.scale = folder, ports, scale
        self.bin = binaries()
        self.processes = []

    def start(self):
        """Makes both. fsync is off: what is compared is the way to the servers, not their disk."""
        primary, standby = os.path.join(self.folder, "primary"), os.path.join(self.folder, "standby")
        self.run("initdb", "-D", primary, "-A", "trust", "-U", "postgres", "--no-sync", "-E", "UTF8", "--locale=C")
        with open(f"{primary}/postgresql.conf", "a") as f:
            f.write(f"listen_addresses = '127.0.0.1'\nunix_socket_directories = '{self.folder}'\nfsync = off\n"
                    f"shared_buffers = 512MB\nmax_connections = {MAX_CONNECTIONS}\nmax_wal_size = 8GB\n"
                    "checkpoint_timeout = 1h\nautovacuum = off\nmax_parallel_workers_per_gather = 0\n"
                    "logging_collector = off\nlog_min_messages = fatal\nssl = off\n")
        owned(f"{primary}/pg_hba.conf", "local all all trust\nlocal replication all trust\n"
              "host all postgres 127.0.0.1/32 trust\nhost replication all 127.0.0.1/32 trust\n" + HBA)
        self.serve(primary, self.ports[0])
        self.sql(f"CREATE ROLE {TRUSTED} LOGIN SUPERUSER; SET password_encryption = 'scram-sha-256'; "
                 f"CREATE ROLE {SCRAM} LOGIN SUPERUSER PASSWORD '{PASSWORD}'", database="postgres")
        self.sql(f"CREATE DATABASE {DATABASE}", database="postgres")
        self.run("pgbench", "-i", "-q", "-s", str(self.scale), "-h", self.folder, "-p", str(self.ports[0]),
                 "-U", TRUSTED, DATABASE)
        self.run("pg_basebackup", "-D", standby, "-R", "-X", "stream", "-c", "fast", "--no-sync",
                 "-h", "127.0.0.1", "-p", str(self.ports[0]), "-U", "postgres")
        self.serve(standby, self.ports[1])

    def run(self, program, *arguments):
        r = subprocess.run([f"{self.bin}/{program}", *arguments], capture_output=True, text=True, cwd=self.folder, **account())
        if r.returncode:
            raise RuntimeError(f"{program}: {r.stderr.strip()[-400:]}")

    def serve(self, data, port):
        p = Process([f"{self.bin}/postgres", "-D", data, "-p", str(port)], self.folder, data + ".log", end=signal.SIGINT)
        self.processes.append(p)
        ready = [f"{self.bin}/pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
        end = time.monotonic() + 60
        while subprocess.run(ready).returncode:
            p.check()
            if time.monotonic() > end:
                raise RuntimeError(f"PostgreSQL in {data} does not answer")
            time.sleep(0.05)

    def sql(self, text, database=DATABASE, node=0):
        """What psql prints for a statement."""
        r = subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", self.folder, "-p", str(self.ports[node]),
                            "-U", "postgres", "-d", database, "-c", text], capture_output=True, text=True)
        if r.returncode:
            raise RuntimeError(f"{text}: {r.stderr.strip()}")
        return r.stdout.strip()

    def cpu(self):
        """CPU seconds so far of the primary's processes and of the standby's."""
        return [p.cpu() for p in self.processes]

    def verifier(self):
        """What the primary keeps for the SCRAM user: with it PgBouncer need not derive a key for each login."""
        return self.sql(f"SELECT rolpassword FROM pg_authid WHERE rolname = '{SCRAM}'")

    def stop(self):
        for p in reversed(self.processes):
            p.stop()
