"""How the database comes from each of its forms to the next, and back."""
