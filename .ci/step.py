"""Run a command as a named step: step.py TITLE -- COMMAND ...

Prints the title and the command, then how the command ended and how long it took.
"""

import subprocess, sys, time


def main():
    "Run the command and exit with its status"
    title, command = sys.argv[1], sys.argv[3:]
    print(f"== {title}: {' '.join(command)}", flush=True)
    start = time.time()
    code = subprocess.call(command)
    state = "done" if code == 0 else f"FAILED ({code})"
    print(f"== {title}: {state} in {time.time() - start:.0f} s", flush=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
