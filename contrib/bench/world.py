"""What a run has on the machine: a folder, the servers, the proxies. Everything goes when it ends."""
import os
import shutil
import socket
import subprocess
import tempfile
import time

import contenders
from awake import Awake
from processes import account, machine, owned
from servers import Servers


class World:
    def __init__(self, scale, awake):
        self.folder = None
        self.scale, self.awake = scale, awake
        self.used = set()
        self.running = {}

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="pgcrew-bench.")
        owned(self.folder, mode=0o755)
        self.servers = Servers(self.folder, [self.free_port(), self.free_port()], self.scale)
        try:
            self.certificate, self.key = self.make_certificate()
            self.servers.start()
            if self.awake:
                self.running[Awake] = Awake(self.folder)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for s in self.running.values():
            s.stop()
        self.servers.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def new_folder(self, name):
        return tempfile.mkdtemp(prefix=name + ".", dir=self.folder)

    def free_port(self):
        """A port that nobody uses, not even a connection: those come from the range that the kernel gives out."""
        while True:
            with socket.socket() as s:
                s.bind(("127.0.0.1", 0))
                port = s.getsockname()[1]
            if port not in self.used:
                self.used.add(port)
                return port

    def busy(self):
        """CPU seconds that the machine has worked, without the processes that only keep it awake."""
        return machine() - (self.running[Awake].cpu() if Awake in self.running else 0)

    def wait_calm(self, seconds):
        """Waits until the machine has done little but idle for half a second, at most so long."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            busy, started = self.busy(), time.monotonic()
            time.sleep(0.5)
            if (self.busy() - busy) / (time.monotonic() - started) < 0.15 * os.cpu_count():
                return

    def make_certificate(self):
        """A self-signed ECDSA P-256 certificate."""
        crt, key = os.path.join(self.folder, "server.crt"), os.path.join(self.folder, "server.key")
        r = subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                            "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-out", crt, "-keyout", key],
                           capture_output=True, text=True, **account())
        if r.returncode:
            raise RuntimeError(f"make a certificate: {r.stderr.strip()[-300:]}")
        return crt, key

    def system(self, name):
        """The running proxy behind a contender, started when it is first needed. None for a direct connection."""
        make = contenders.ALL[name].system
        if make is None:
            return None
        if make not in self.running:
            s = self.running[make] = make(self)  # kept before it starts, so that a half-started one is stopped too
            s.start()
        return self.running[make]

    def place(self, name):
        """(host, port, database) to connect to for a contender."""
        c = contenders.ALL[name]
        s = self.system(name)
        if s is None:
            return (self.servers.folder if c.route == "unix" else "127.0.0.1"), self.servers.ports[0], c.database
        return "127.0.0.1", s.port, c.database
