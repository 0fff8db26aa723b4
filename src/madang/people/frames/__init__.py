"""Apps' own pages, shown in frames that have no part in the city's origin."""
