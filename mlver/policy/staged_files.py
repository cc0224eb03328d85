"""What makes a file on its way into git worth a closer look: its size, or a pickle's name.

The hooks' quick entry reads this module at each commit, so it imports nothing.
"""

# At most this many bytes are text or settings that git keeps well, whatever the file is. The
# schema lets no guard be set lower, so that the quick entry never passes what a guard refuses.
SMALL_FILE_BYTES = 65_536

PICKLE_SUFFIXES = (".pkl", ".pickle", ".joblib", ".dill")
