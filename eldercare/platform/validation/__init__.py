"""What people type, checked and brought into one form."""
