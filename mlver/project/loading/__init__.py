"""What an application serves: a version brought by its stage, and changed while it runs."""
