"""Ways of adapting a model, a file each. A file in this folder is found by itself."""
