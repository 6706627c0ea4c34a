"""A bad MCP server on stdin and stdout. `faulty_program.py noisy`: it talks before it listens."""

from __future__ import annotations

import json
import os
import sys
import time

from faulty_answers import CLOSE, DEAFEN, DIE, FaultyServer

server = FaultyServer()
if "noisy" in sys.argv:
    sys.stdout.write('Welcome!\n\n{"level": "info"}\n\x00\xff binary\nnull\n')
    sys.stdout.flush()
for text in sys.stdin:
    for answer in server.answer(json.loads(text)):
        if answer == DIE:
            print("dying now", file=sys.stderr, flush=True)
            os._exit(3)
        if answer == DEAFEN:
            sys.stdout.flush()
            time.sleep(600)
        if answer == CLOSE:
            sys.stdout.flush()
            os.close(1)
            time.sleep(600)
        sys.stdout.buffer.write(answer + b"\n")
    sys.stdout.flush()
