"""`reqon lsp`: starts the language server, the same as `reqon-lsp`.

Started by name, so that nothing of the runtime imports the server.
"""

from __future__ import annotations

import os
import runpy
import sys

import click

from reqon.cli.invocation import Invocation, pass_invocation


@click.command(
    "lsp",
    add_help_option=False,
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    help="Start the language server on standard input and output; `--help` lists its options.",
)
@pass_invocation
@click.pass_context
def command(ctx: click.Context, invocation: Invocation) -> None:
    """Hand all arguments to the server."""
    state_dir = invocation.given.get("state_dir")
    if state_dir:
        os.environ["REQON_STATE_DIR"] = state_dir
    sys.argv = ["reqon lsp", *ctx.args]
    runpy.run_module("reqon_lsp", run_name="__main__", alter_sys=False)
