"""The command line in a process of its own: ``tunewise`` or ``python -m tunewise``."""

import gc

from tunewise.cli.main import main as command_line


def main() -> None:
    """Run the command that stands behind the name of the program."""
    gc.disable()  # until the command's modules are loaded, which last as long as the process
    command_line()


if __name__ == "__main__":
    main()
