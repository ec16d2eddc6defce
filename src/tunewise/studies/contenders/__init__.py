"""What is known of every contender before it runs: applied to its model, counted, described."""
