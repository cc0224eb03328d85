"""When models should be trained again."""
