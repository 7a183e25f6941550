"""Where a fresh interpreter of ours begins: as a child, as a zygote, or as a program in a process group of its own."""

import os
import socket
import sys


def main() -> None:
    """What the command line says; it does not return."""
    role, *words = sys.argv[1:]
    del sys.argv[1:]
    match role, words:
        case "child", [channel, dump, life, title]:
            from workerkit.processes import child, lifeline

            tied = None if life == "-" else lifeline.reopen(int(life))
            for inherited in (channel, dump, *([] if life == "-" else [life])):
                os.set_inheritable(int(inherited), False)
            child.live(socket.socket(fileno=int(channel)), int(dump), tied, title)
        case "zygote", [control, life, *module]:
            from workerkit.processes import zygote

            zygote.main(socket.socket(fileno=int(control)), int(life), module)
