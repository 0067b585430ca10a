"""Starting the server: `reqon-lsp`, `python -m reqon_lsp`, and `reqon lsp` behind them."""

from __future__ import annotations

import argparse
import gc
import logging
import os
import sys
from typing import BinaryIO, NoReturn

gc.disable()  # a tenth of the start: what the modules below make lives until the end

from reqon_lsp.server import ReqonServer, create_server, server_version  # noqa: E402 - after the line above

DEFAULT_PORT = 2087


def main() -> NoReturn:
    """Read the command line, serve until the client leaves, and end the process.

    Exits 0 after `shutdown`, 1 when the client left without it, 2 on a wrong command line.
    """
    options = _parser().parse_args()
    _log_to(options.log_file)
    server = create_server()
    gc.freeze()
    gc.enable()
    if options.tcp:
        server.start_tcp("127.0.0.1", options.port)
    else:
        _serve_stdio(server)
    logging.shutdown()
    os._exit(0 if server.protocol.shut_down else 1)  # threads that wait for input must not hold us


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="reqon-lsp", description="The language server of Reqon missions."
    )
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--stdio", action="store_true", help="standard input and output (default)")
    way.add_argument("--tcp", action="store_true", help="listen on 127.0.0.1")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="port for --tcp")
    parser.add_argument("--log-file", metavar="FILE", help="log here instead of standard error")
    parser.add_argument("--version", action="version", version=f"reqon-lsp {server_version()}")
    return parser


def _log_to(file: str | None) -> None:
    style = "%(asctime)s %(levelname)s %(name)s: %(message)s"
    if file is None:
        logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format=style)
    else:
        logging.basicConfig(filename=file, level=logging.INFO, format=style)
    logging.getLogger("pygls").setLevel(logging.WARNING)  # at INFO it logs every text


def _serve_stdio(server: ReqonServer) -> None:
    """Serve on copies of descriptors 0 and 1, so that no `print` can corrupt the stream."""
    incoming: BinaryIO = os.fdopen(os.dup(0), "rb")
    outgoing: BinaryIO = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    server.start_io(incoming, outgoing)


if __name__ == "__main__":
    main()
