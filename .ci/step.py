"""Run a command as a named step: step.py TITLE -- COMMAND ...

Prints the title and the command, then how the command ended and how long it took. Ctrl-C is for
the command, which gets it as well: this program waits for its end.
"""

import signal, subprocess, sys, time

STOPPED = (130, -signal.SIGINT)  # exit statuses after Ctrl-C


def main():
    "Run the command and exit with its status"
    title, command = sys.argv[1], sys.argv[3:]
    print(f"== {title}: {' '.join(command)}", flush=True)
    start = time.time()
    signal.signal(signal.SIGINT, lambda *_: None)  # unlike SIG_IGN, the command does not inherit it
    code = subprocess.call(command)
    state = "done" if code == 0 else "stopped" if code in STOPPED else f"FAILED ({code})"
    print(f"== {title}: {state} in {time.time() - start:.0f} s", flush=True)
    sys.exit(130 if code in STOPPED else code)


if __name__ == "__main__":
    main()
