"""
Daycount's commands without importing its code for each of them: one process imports it and forks the commands.

What a command does, and how it dies, is the same; `tests/crash/test_processes.py` starts the real command line. Run as a
script, this reads one line of JSON a command (`arguments`, `environment`, `log`) and writes its pid, and later its exit
code, each as a line of JSON.
"""

import gc
import json
import os
import selectors
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

MOST_FILES = 4096


class Command:
    """A command that was forked, with the part of `subprocess.Popen` that tests use."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self.ended = threading.Event()

    def poll(self) -> int | None:
        """Return the exit code, negative for a signal; None while it runs."""
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the exit code; raises subprocess.TimeoutExpired."""
        if not self.ended.wait(timeout):
            raise subprocess.TimeoutExpired("daycount", timeout or 0)
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it ended."""
        if self.returncode is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)


class Forks:
    """The process that forks the commands, and what it says about them."""

    def __init__(self) -> None:
        self._parent = subprocess.Popen(
            [sys.executable, "-m", "tests.support.forks"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._started: dict[int, Command] = {}
        self._one_at_a_time = threading.Lock()
        self._answer: list[Command] = []
        self._answered = threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()

    def start(self, *arguments: str, environment: Mapping[str, str], log: Path | None = None) -> Command:
        """Start a command; what it prints goes to the end of `log`, or nowhere."""
        order = {"arguments": arguments, "environment": dict(environment), "log": str(log or os.devnull)}
        with self._one_at_a_time:
            self._answered.clear()
            assert self._parent.stdin is not None
            self._parent.stdin.write(json.dumps(order) + "\n")
            self._parent.stdin.flush()
            assert self._answered.wait(180), "nothing was forked"
            return self._answer.pop()

    def _listen(self) -> None:
        assert self._parent.stdout is not None
        for line in self._parent.stdout:
            said = json.loads(line)
            if "code" in said:
                command = self._started.pop(said["pid"])
                command.returncode = said["code"]
                command.ended.set()
            else:
                self._started[said["pid"]] = command = Command(said["pid"])
                self._answer.append(command)
                self._answered.set()


@cache
def forks() -> Forks:
    """Return the process that forks, started when it is first asked for; it ends with the test process."""
    return Forks()


def _serve() -> None:
    """Fork what is ordered until standard input ends. There is one thread, so that forks are whole."""
    from daycount.cli import main

    import_module("daycount.processes")
    gc.collect()
    gc.freeze()
    orders = b""
    with selectors.DefaultSelector() as waiting:
        waiting.register(0, selectors.EVENT_READ)
        while True:
            for key, _ in waiting.select():
                if key.fd == 0:
                    read = os.read(0, 65536)
                    if not read:
                        return
                    *whole, orders = (orders + read).split(b"\n")
                    for order in whole:
                        pid = os.fork()
                        if pid == 0:
                            _live(json.loads(order), main=main)
                        waiting.register(os.pidfd_open(pid), selectors.EVENT_READ, data=pid)
                        print(json.dumps({"pid": pid}), flush=True)
                else:
                    waiting.unregister(key.fd)
                    os.close(key.fd)
                    code = os.waitstatus_to_exitcode(os.waitpid(key.data, 0)[1])
                    print(json.dumps({"pid": key.data, "code": code}), flush=True)


def _live(order: dict[str, Any], *, main: Callable[[], Any]) -> NoReturn:
    """Be the command, and never return."""
    code = 1
    try:
        os.setsid()
        log = os.open(order["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        for stream in (1, 2):
            os.dup2(log, stream)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.closerange(3, MOST_FILES)
        os.environ.clear()
        os.environ.update(order["environment"])
        sys.argv = ["daycount", *order["arguments"]]
        main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve()
