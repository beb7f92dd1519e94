#!/usr/bin/env bash
# ray 2.60.0: ray.init() puts its own handler of SIGTERM in place of the program's, and leaves that of SIGINT.
#
# One would guess that a handler that was set before a library is started still runs: Slurm and Kubernetes send SIGTERM some time
# before they kill, and a training saves its state then. After ray.init() that handler is never called: the driver prints
# `SIGTERM received` with a stack and ends with exit code 15. Ctrl-C, which is what one tries by hand, works as before. Set the
# handler after ray.init(), again if need be.
#
# Seen: set before: SIGTERM's handler kept: False, SIGINT's: True
#       set before: exit code 15
#       set after: state saved
#       set after: exit code 0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet 'ray==2.60.0'
cat > driver.py <<'END_OF_DRIVER'
import os, signal, sys, time
import ray

when = sys.argv[1]

def save(number, frame):
    print(f"set {when}: state saved", flush=True)
    sys.exit(0)

for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, save)
ray.init(address="local", num_cpus=1, include_dashboard=False, log_to_driver=False)
if when == "after":
    signal.signal(signal.SIGTERM, save)
else:
    term, interrupt = (signal.getsignal(number) is save for number in (signal.SIGTERM, signal.SIGINT))
    print(f"set before: SIGTERM's handler kept: {term}, SIGINT's: {interrupt}", flush=True)
os.kill(os.getpid(), signal.SIGTERM)
time.sleep(30)
END_OF_DRIVER
for when in before after; do
  code=0
  venv/bin/python driver.py $when 2> /dev/null || code=$?
  echo "set $when: exit code $code"
done | tee seen.txt
diff seen.txt - <<'END_OF_SEEN'
set before: SIGTERM's handler kept: False, SIGINT's: True
set before: exit code 15
set after: state saved
set after: exit code 0
END_OF_SEEN
