"""How far two backends are apart, what rounding alone accounts for, and what follows."""
