"""``horovodrun`` for ranks on this machine, told to listen on the loopback interface alone.

Its rendezvous server takes anybody's word for where a rank is, and by itself it listens on every
interface. Everything is imported inside: its helper processes import this module again.
"""

from __future__ import annotations

import socketserver

LOOPBACK = "127.0.0.1"


def main() -> None:
    """Do what ``horovodrun`` does with the arguments of the command line."""
    from horovod.runner.http import http_server
    from horovod.runner.launch import run_commandline

    http_server.RendezvousHTTPServer.server_bind = bind_loopback
    run_commandline()


def bind_loopback(server: socketserver.TCPServer) -> None:
    """Bind a server to its port on loopback, whatever address it was made with."""
    server.server_address = (LOOPBACK, server.server_address[1])
    socketserver.TCPServer.server_bind(server)


if __name__ == "__main__":
    main()
