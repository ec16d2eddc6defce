"""One file a topic of `tunewise explain`.

The topic's name is the file's, with hyphens; its title is the first line of the file's docstring,
so that topics can be listed without running them. `explain() -> Topic` does the checks and says
what came out.
"""
