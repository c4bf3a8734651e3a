"""`docindex prompts`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from docindex.cli.options import JsonOption
from docindex.cli.output import counted, print_json
from docindex.cli.screen import Column
from docindex.cli.terminal import open_screen


def prompts(
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="DIR", help="A new folder to write them into.", show_default=False),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Lists the prompts that the model is asked with, or writes them into a folder, to be changed there.

    Files of the folder take the place of the shipped prompts where a command is given `--prompts DIR`. Those that are
    left as they are may be deleted from it. In a pipe, a line holds the file, the values that the prompt is given, and
    what it is for, separated by tabs.

    Examples:
      docindex prompts
      docindex prompts my-prompts
      docindex query "How long is the warranty?" --prompts my-prompts
    """
    from docindex.prompts.files import SHIPPED, shipped, write_shipped

    if folder is not None:
        paths = write_shipped(folder)
        if as_json:
            print_json({"folder": folder, "files": [path.name for path in paths]})
        else:
            open_screen().line(f"{counted(len(paths), 'prompt')} written into {folder}.")
        return
    found = [(prompt.file_name, sorted(prompt.variables), prompt.purpose) for prompt in shipped().values()]
    if as_json:
        listed = [{"file": file, "values": values, "purpose": purpose} for file, values, purpose in found]
        print_json({"version": SHIPPED.version, "prompts": listed})
    else:
        columns = (Column("File"), Column("Is given"), Column("What it does"))
        open_screen().table(columns, [(file, ", ".join(values), purpose) for file, values, purpose in found])
