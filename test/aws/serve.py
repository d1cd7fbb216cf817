"""One AWS emulator on 127.0.0.1, for as long as its standard input stays open: serve.py <moto|ministack> <port>.

Whoever started it has died when that ends, and nothing is left running.
"""

import os
import sys
import threading


def end_with_parent():
    sys.stdin.buffer.read()
    os._exit(0)


emulator, port = sys.argv[1:]
threading.Thread(target=end_with_parent, daemon=True).start()
if emulator == "moto":
    from moto.server import main

    sys.exit(main(["-H", "127.0.0.1", "-p", port]))

# Neither all addresses nor listeners for what nobody here uses, which would meet those of other processes.
os.environ.update(BIND_HOST="127.0.0.1", GATEWAY_PORT=port, IOT_MTLS_ENABLED="0", SFTP_ENABLED="0")
sys.argv = ["ministack"]
from ministack.app import main  # noqa: E402

main()
