"""Studies in the trackers people use. They read the folder; training knows nothing of them."""
