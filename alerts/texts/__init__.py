"""What people are told, in Chinese and English, and the facts it is made of."""
