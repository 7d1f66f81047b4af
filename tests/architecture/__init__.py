"""What must hold of the code's shape."""
