"""Keeps the process of every sync task alive, and hears what it reports.

A process is started with a fresh spec each time (new fencing epoch), ends when its standard input
closes (so it never outlives us), and is started again unless it stopped on purpose.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import structlog
from sqlalchemy.exc import SQLAlchemyError

from sterna.dataplane.reports import Report, StoppedReport, from_line
from sterna.dataplane.spec import TaskSpec, to_line

RESTART_SECONDS_MIN = 0.5
RESTART_SECONDS_MAX = 10.0

log = structlog.get_logger("sterna.supervisor")


class Supervisor:
    """One watching thread and one child process per running task.

    Args:
        make_spec: called before each start of a task's process.
        on_report: called with the task's id for everything it reports, in its thread.
        log_folder: where the processes' standard error goes, `<task>.log`.
    """

    def __init__(
        self,
        make_spec: Callable[[str], TaskSpec],
        *,
        on_report: Callable[[str, Report], None],
        log_folder: Path,
    ) -> None:
        self._make_spec = make_spec
        self._on_report = on_report
        self._log_folder = log_folder
        self._watchers: dict[str, _Watcher] = {}
        self._lock = threading.Lock()

    def ensure(self, task_id: str) -> None:
        """Start the task's process unless it is already looked after."""
        with self._lock:
            watcher = self._watchers.get(task_id)
            if watcher is None or not watcher.is_alive():
                self._watchers[task_id] = watcher = _Watcher(self, task_id)
                watcher.start()

    def stop(self, task_id: str) -> None:
        """End the task's process at once; it is gone on return.

        It is killed, not asked: its position is on the destination, and applications may wait.
        """
        with self._lock:
            watcher = self._watchers.pop(task_id, None)
        if watcher is not None:
            watcher.stop()

    def renew(self, task_id: str) -> bool:
        """Let the task's process be followed by one with a new spec; False when none is looked
        after."""
        with self._lock:
            watcher = self._watchers.get(task_id)
        return watcher is not None and watcher.renew()

    def tell(self, task_id: str, command: str) -> bool:
        """Give the task's process a command, such as `verify`; False when it is not running.

        A process that is being started either takes the command or makes its spec afterwards.
        """
        with self._lock:
            watcher = self._watchers.get(task_id)
        return watcher is not None and watcher.tell(command)

    def pid(self, task_id: str) -> int | None:
        """Process id of the running task."""
        watcher = self._watchers.get(task_id)
        return watcher.pid if watcher else None

    def close(self) -> None:
        """End all processes."""
        for task_id in list(self._watchers):
            self.stop(task_id)

    def spec(self, task_id: str) -> TaskSpec:
        """What the next start is told."""
        return self._make_spec(task_id)

    def report(self, task_id: str, report: Report) -> None:
        """Pass a report on."""
        self._on_report(task_id, report)

    def log_file(self, task_id: str) -> Path:
        """Where the process's standard error goes."""
        return self._log_folder / f"{task_id}.log"


class _Watcher(threading.Thread):
    def __init__(self, supervisor: Supervisor, task_id: str) -> None:
        super().__init__(name=f"watch {task_id}", daemon=True)
        self._supervisor = supervisor
        self._task_id = task_id
        self._stopping = threading.Event()
        self._process: subprocess.Popen[str] | None = None
        self._starting = threading.Lock()
        self._is_renewed = self._has_ended = False

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def run(self) -> None:
        wait_seconds = RESTART_SECONDS_MIN
        while not self._stopping.is_set():
            started = time.monotonic()
            try:
                again = self._run_once()
            except SQLAlchemyError as error:
                # The process was ended with what it had to say; the next one says it anew.
                log.error("the store cannot be written", task=self._task_id, error=str(error))
                again = True
            except Exception as error:
                log.exception("the task's reports could not be taken", task=self._task_id)
                self._supervisor.report(self._task_id, _unheard(error))
                again = False
            if not again and self._ends():
                return
            if time.monotonic() - started > RESTART_SECONDS_MAX:
                wait_seconds = RESTART_SECONDS_MIN
            self._stopping.wait(wait_seconds)
            wait_seconds = min(wait_seconds * 2, RESTART_SECONDS_MAX)

    def tell(self, command: str) -> bool:
        with self._starting:
            process = self._process
        if process is None or process.stdin is None or process.poll() is not None:
            return False
        with suppress(BrokenPipeError, ValueError):
            process.stdin.write(command + "\n")
            process.stdin.flush()
            return True
        return False

    def _ends(self) -> bool:
        """Whether nobody wants another try."""
        with self._starting:
            self._has_ended = not self._is_renewed
            return self._has_ended

    def renew(self) -> bool:
        """Try again with a new spec, however the process ends; False when it has ended already."""
        with self._starting:
            if self._has_ended:
                return False
            self._is_renewed = True
        self._kill()
        return True

    def stop(self) -> None:
        self._stopping.set()
        self._kill()
        self.join()

    def _kill(self) -> None:
        """The process that is there, or is just being started, ends at once."""
        with self._starting:
            process = self._process
        if process is not None:
            process.kill()

    def _run_once(self) -> bool:
        """Start the process and hear it to its end; whether it is to be started again."""
        with self._starting:
            if self._stopping.is_set():
                return False
            self._is_renewed = False
            self._process = process = self._start()
        try:
            return self._hear(process)
        finally:
            _end(process)

    def _hear(self, process: subprocess.Popen[str]) -> bool:
        again = True
        assert process.stdout is not None
        for line in process.stdout:
            report = from_line(line)
            if isinstance(report, StoppedReport):
                again = report.retry
            self._supervisor.report(self._task_id, report)
        return again

    def _start(self) -> subprocess.Popen[str]:
        spec = self._supervisor.spec(self._task_id)
        log_file = self._supervisor.log_file(self._task_id)
        log_file.parent.mkdir(parents=True, exist_ok=True)
        with log_file.open("a") as stderr:
            process = subprocess.Popen(
                [sys.executable, "-m", "sterna.dataplane.runner", self._task_id],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                bufsize=1,
            )
        assert process.stdin is not None
        with suppress(BrokenPipeError):
            process.stdin.write(to_line(spec) + "\n")
            process.stdin.flush()
        return process


def _unheard(error: Exception) -> StoppedReport:
    return StoppedReport(
        "Unexpected",
        f"What the sync task reported could not be kept: {type(error).__name__}: {error}.",
        "The data is as the checkpoint says. See the server's log, restart the server.",
        retry=False,
    )


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        with suppress(BrokenPipeError):
            if pipe is not None:
                pipe.close()
