"""One client reads a large result."""
import time

from client import Client
from servers import TRUSTED

SIZE = 150_000_000  # bytes of rows in one answer


class Stream:
    """Rows of so many bytes. cost: CPU seconds of the proxy for a GB, speed: MB/s on the client's socket."""

    cost_unit, speed_unit = "s/GB", "MB/s"
    among = ["pgrouter", "pgbouncer", "pgpool", "direct", "pgrouter-unix", "pgbouncer-unix"]

    def __init__(self, row):
        self.sql = f"SELECT repeat('x', {row}) FROM pgbench_accounts LIMIT {SIZE // (row + 11)}"

    def run(self, world, name, options):
        (_, port, database), system = world.place(name), world.system(name)
        client = Client(port, database, TRUSTED)
        try:
            client.query("SELECT 1")
            before, started = system.process.cpu() if system else 0, time.monotonic()
            size = 0
            with options.watching(system):
                while size == 0 or time.monotonic() - started < options.time:
                    size += client.query(self.sql)
            seconds = time.monotonic() - started
            out = {"speed": size / 1e6 / seconds}
            if system:
                out["cost"] = (system.process.cpu() - before) / (size / 1e9)
            return out
        finally:
            client.close()
