"""What the results of a study say, computed once from its folder: scores, tests, costs, verdict."""
