"""What people are told, in Chinese and English, and the context it is made of."""
