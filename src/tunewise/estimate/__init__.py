"""What a study would take before it runs: memory, time, disk, and the plan made of them."""
