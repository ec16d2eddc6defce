"""What differs between contenders beside the method."""
