"""Keeps the processors from sleeping.

In a virtual machine a processor that has nothing to do is taken away, and getting it back is charged to whoever
wakes it: with one client that is more than all that a proxy does, and it varies with the machine's other load.
A process that only runs where nothing else wants to (SCHED_IDLE) keeps it, for all systems alike.
"""
import contextlib
import os

from processes import Process


class Awake:
    def __init__(self, folder):
        self.processes = []
        for n in range(os.cpu_count()):
            command = ["chrt", "--idle", "0", "sh", "-c", "while :; do :; done"]
            p = Process(command, folder, os.path.join(folder, f"awake{n}"))
            self.processes.append(p)
            # Where the kernel shares the processor between sessions first, a session has to say it for itself.
            with contextlib.suppress(FileNotFoundError), open(f"/proc/{p.pid}/autogroup", "w") as f:
                f.write("19")

    def cpu(self):
        return sum(p.cpu() for p in self.processes)

    def stop(self):
        for p in self.processes:
            p.stop()
