"""The programs that are compared, each with its configuration."""
import os
import re
import shutil
import signal
import subprocess
import time

from client import Client
from processes import Process, owned
from servers import DATABASE, HBA, PASSWORD, SCRAM, TRUSTED


class System:
    """One running proxy. Subclasses write their files into .folder and return the command line."""

    end = signal.SIGTERM

    def __init__(self, world, clients, **options):
        self.world, self.clients, self.options = world, clients, options
        self.port = world.free_port()
        self.folder = owned(world.new_folder(type(self).__name__.lower()), mode=0o755)
        self.process = None

    def write(self, name, text):
        return owned(os.path.join(self.folder, name), text)

    def start(self):
        command = self.configure()
        self.process = Process(command, self.folder, os.path.join(self.folder, "log"), end=self.end)
        end = time.monotonic() + 60
        while True:
            self.process.check()
            try:
                c = Client(self.port, DATABASE, TRUSTED)
                c.query("SELECT 1")
                c.close()
                return
            except (OSError, RuntimeError) as err:
                if time.monotonic() > end:
                    raise RuntimeError(f"{type(self).__name__} does not answer: {err}, see {self.process.log}") from err
                time.sleep(0.05)

    def stop(self):
        if self.process:
            self.process.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class Pgbouncer(System):
    """Four databases: pooled by session or (_tx) by transaction, over TCP or (_unix) the servers' Unix socket."""

    program = "/usr/sbin/pgbouncer"

    def configure(self):
        s = self.world.servers
        self.write("users", f'"{TRUSTED}" ""\n"{SCRAM}" "{s.verifier()}"\n')
        self.write("hba", HBA)
        databases = ""
        for suffix, host in (("", "127.0.0.1"), ("_unix", s.folder)):
            at = f"host={host} port={s.ports[0]} dbname={DATABASE}"
            databases += f"{DATABASE}{suffix} = {at} pool_mode=session pool_size={min(self.clients, 300)}\n"
            databases += f"{DATABASE}_tx{suffix} = {at} pool_mode=transaction pool_size=32\n"
        return [self.program, self.write("conf", f"""[databases]
{databases}[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {self.port}
unix_socket_dir =
auth_type = hba
auth_file = {self.folder}/users
auth_hba_file = {self.folder}/hba
max_client_conn = {self.clients + 50}
listen_backlog = 4096
log_connections = 0
log_disconnections = 0
log_stats = 0
client_tls_sslmode = allow
client_tls_cert_file = {self.world.certificate}
client_tls_key_file = {self.world.key}
""")]

    @classmethod
    def version(cls):
        return first_version([cls.program, "--version"])


def pgpool_conf(world, folder, port, clients, balance, host="127.0.0.1"):
    """What Pgpool-II and pgrouter understand alike. Reads are routed even where there is one server to route to."""
    text = f"""backend_clustering_mode = 'streaming_replication'
listen_addresses = '127.0.0.1'
port = {port}
num_init_children = {clients}
reserved_connections = 0
max_pool = 4
enable_pool_hba = on
pool_passwd = '{folder}/pool_passwd'
sr_check_user = '{TRUSTED}'
sr_check_database = 'postgres'
sr_check_period = {10 if balance else 0}
health_check_period = 0
memory_cache_enabled = off
use_watchdog = off
load_balance_mode = on
statement_level_load_balance = off
ssl = on
ssl_cert = '{world.certificate}'
ssl_key = '{world.key}'
"""
    for i, p in enumerate(world.servers.ports[:2 if balance else 1]):
        text += (f"backend_hostname{i} = '{host}'\nbackend_port{i} = {p}\nbackend_weight{i} = 1\n"
                 f"backend_data_directory{i} = '{folder}'\nbackend_flag{i} = 'DISALLOW_TO_FAILOVER'\n")
    return text


class Pgpool(System):
    """Pgpool-II; option balance: reads are spread over both servers."""

    program = "/usr/sbin/pgpool"
    end = signal.SIGINT

    def configure(self):
        d, old = self.folder, tuple(map(int, re.findall(r"\d+", self.version())[:2])) < (4, 4)
        self.write("pool_passwd", f"{SCRAM}:TEXT{PASSWORD}\n")
        text = pgpool_conf(self.world, d, self.port, self.clients, self.options.get("balance"))
        text += f"""pcp_port = {self.world.free_port()}
{'socket_dir' if old else 'unix_socket_directories'} = '{d}'
pcp_socket_dir = '{d}'
wd_ipc_socket_dir = '{d}'
{'logdir' if old else 'work_dir'} = '{d}'
pid_file_name = '{d}/pid'
log_min_messages = error
"""
        return [self.program, "-n", "-f", self.write("conf", text), "-a", self.write("hba", HBA), "-F", self.write("pcp", "")]

    @classmethod
    def version(cls):
        return first_version([cls.program, "--version"])


class Pgrouter(System):
    """pgrouter with one loop; options: balance as for Pgpool, unix: to the server by its Unix socket, program."""

    program = os.path.join(os.path.dirname(__file__), "..", "..", "bin", "pgrouter")

    def configure(self):
        # Its own folder may be closed to the servers' user.
        binary = shutil.copy(self.options.get("program", self.program), os.path.join(self.folder, "pgrouter"))
        self.write("pool_passwd", f"{SCRAM}:TEXT{PASSWORD}\n")
        self.write("pool_hba.conf", HBA)
        unix = self.options.get("unix")
        text = pgpool_conf(self.world, self.folder, self.port, self.clients, self.options.get("balance"),
                           host=self.world.servers.folder if unix else "127.0.0.1")
        text += f"""unix_socket_directories = ''
run_directory = '{self.folder}'
backend_unix_socket = {'auto' if unix else 'off'}
pool_mode = session
num_loops = 1
"""
        return [binary, "run", "--log-level", "warn", "--config", self.write("pgpool.conf", text)]

    @classmethod
    def version(cls):
        return first_version([cls.program, "version"])


def first_version(command):
    r = subprocess.run(command, capture_output=True, text=True)
    return (r.stdout + r.stderr).strip().splitlines()[0]
