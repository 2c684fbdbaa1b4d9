"""Processes killed (-9) at a chosen change of a file: no kill depends on the time.

Python raises an audit event before it renames or removes a file. A process counts these events
and ends at the one that the test names, so every kill hits a process at work.
"""

import itertools
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from functools import cache
from multiprocessing import forkserver
from pathlib import Path
from unittest.mock import patch
from conftest import QUIET

CHANGES = ("os.rename", "os.remove", "os.rmdir")  # audit events, each raised before the change
PATHS = os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])
ENVIRONMENT = dict(QUIET, PYTHONPATH=PATHS)


def end_at(nth, of="", *, number=signal.SIGKILL, tell=None, send=os.kill):
    """Send this process a signal before its nth change of a file whose path ends with `of`

    `send` is called with the number of the process and the signal, `tell` with the path. A
    temporary file that is about to be renamed is cut in half before a kill, as if the kill had
    hit its writing.
    """
    counted = itertools.count(1)

    def hook(event, arguments):
        if event not in CHANGES:
            return
        is_rename = event == "os.rename"
        path = str(arguments[1] if is_rename else arguments[0])
        if not path.endswith(of) or next(counted) != nth:
            return
        if is_rename and number == signal.SIGKILL:
            os.truncate(arguments[0], os.path.getsize(arguments[0]) // 2)
        if tell:
            tell(path)
        send(os.getpid(), number)

    sys.addaudithook(hook)


# ---- Many kills: forks of one process that has imported the course ----

PRELOADED = (  # what takes long to import
    "killing",
    "pyarrow.dataset",
    "torch._dynamo",
    "fer_course.faces",
    "fer_course.data.readers.rendered",
    "fer_course.data.duplicates",
    "fer_course.data.splits",
    "fer_course.align.crops",
    "fer_course.app.testing",
    "fer_course.app.training",
    "fer_course.train.callbacks",
)


@cache
def _forks():
    "Start the process that imports the course once and is forked for each command"
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(PRELOADED))
    with patch.dict(os.environ, ENVIRONMENT):
        forkserver.ensure_running()
    return context


def _work(command, nth, of, pipe):
    "Run a command in a fork, up to its nth change of a file; send the path of that file"
    from fer_course.app import main

    if nth is not None:
        end_at(nth, of, tell=pipe.send)
    sys.exit(main([str(word) for word in command]))


def in_fork(command, nth=None, of=""):
    """Run a command, and kill it before its nth change of a file whose path ends with `of`

    Return the path of that file, or None if the command ended.
    """
    receive, send = _forks().Pipe(duplex=False)
    process = _forks().Process(target=_work, args=(command, nth, of, send))
    process.start()
    process.join()
    if process.exitcode == -signal.SIGKILL:
        return receive.recv()
    assert process.exitcode == 0
    return None


def killed_in_a_row(command):
    """Kill a command before its first change of a file, its repetition before the second, ...

    Return the files before which the commands were killed; the last command ended.
    """
    kills = []
    while path := in_fork(command, len(kills) + 1):
        kills.append(path)
    return kills


# ---- One kill: a command with all its workers ----

COMMAND = """
import os, signal, sys
from killing import end_at
if sys.argv[3] == "group":  # as Ctrl-C in a terminal
    group = dict(number=signal.SIGINT, send=lambda _, number: os.killpg(0, number))
    end_at(int(sys.argv[1]), sys.argv[2], **group)
else:
    end_at(int(sys.argv[1]), sys.argv[2], number=int(sys.argv[3]))
from fer_course.app import main
sys.exit(main(sys.argv[4:]))
"""


def _start(command, nth, of, number):
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, *map(str, (nth, of, int(number), *command))],
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def _assert_killed(process):
    "Assert that a command was killed at work; wait for its workers, which share its stderr"
    errors = process.communicate()[1]
    assert process.returncode == -signal.SIGKILL, errors


def kill(command, of, nth=1):
    "Kill a command before its nth change of a file whose path ends with `of`"
    _assert_killed(_start(command, nth, of, signal.SIGKILL))


def kill_when(command, happened, *, before):
    """Kill a command from outside as soon as `happened()`, wherever it is then

    It stops before it writes the file `before`, so the kill hits it at work.
    """
    process = _start(command, 1, before, signal.SIGSTOP)
    stopped = False
    while not happened():
        assert not stopped, f"{before} came first, or the command ended"
        stopped = os.waitpid(process.pid, os.WUNTRACED | os.WNOHANG)[0] != 0
        time.sleep(0.01)
    process.kill()
    _assert_killed(process)
