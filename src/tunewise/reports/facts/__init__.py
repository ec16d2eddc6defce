"""Everything a report knows, computed once from the study folder."""
