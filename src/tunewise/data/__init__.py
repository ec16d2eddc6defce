"""Where examples come from: hub, folder, file, embedded; splits; the audit before training."""
