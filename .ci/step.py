"step.py TITLE -- COMMAND ...: say what is done, do it, say how long it took."

import subprocess, sys, time

title, command = sys.argv[1], sys.argv[3:]
print(f"== {title}: {' '.join(command)}", flush=True)
start = time.time()
code = subprocess.call(command)
print(
    f"== {title}: {'done' if code == 0 else f'FAILED ({code})'} in {time.time() - start:.0f} s",
    flush=True,
)
sys.exit(code)
