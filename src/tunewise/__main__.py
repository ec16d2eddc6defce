"""``python -m tunewise`` is the command line."""

from tunewise.cli.main import main

main()
