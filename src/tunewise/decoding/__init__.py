"""Text from a causal model: strategies, stopping, and one prefill that all of them share."""
