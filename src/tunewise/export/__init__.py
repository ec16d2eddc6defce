"""Trained contenders as folders that others load, and the proof that they answer alike."""
