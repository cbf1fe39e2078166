"""Label decisions of people: a database that only grows, and what follows from it."""
