"""What keeps bytes, and what frees them: gc and du."""
