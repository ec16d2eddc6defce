"""Numbers in, numbers out: metrics, intervals, paired tests, corrections, power. No torch."""
