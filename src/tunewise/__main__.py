"""The command line, as ``tunewise`` and as ``python -m tunewise``.

Hardly anything of it is imported here: Ctrl-C is answered from the first import on.
"""

import gc
import importlib
import sys

from tunewise.core import interrupts


def main() -> None:
    """Run the command that the words after the program's name are."""
    interrupts.listen()
    gc.disable()  # until the command's modules are loaded, which last as long as the process
    says = "Interrupted. Nothing was begun; the same command starts anew."
    try:
        command_line = importlib.import_module("tunewise.cli.main")
        says = command_line.interrupted(sys.argv[1:])
        command_line.main()
    except (KeyboardInterrupt, Exception):
        if not interrupts.heard:  # a library may make another error of Ctrl-C
            raise
        print(says, file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
