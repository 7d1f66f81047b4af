"""What must hold of the documentation."""
