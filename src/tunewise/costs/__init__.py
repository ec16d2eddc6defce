"""What a run costs: time, memory, parameters."""
