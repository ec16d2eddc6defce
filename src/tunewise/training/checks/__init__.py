"""Faults that raise no error, looked for before, during and after training."""
