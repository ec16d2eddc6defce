"""How a study tuned its contenders, and spent its budget."""
