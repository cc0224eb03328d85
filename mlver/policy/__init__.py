"""The rules, pure: what may be numbered, promoted, rolled back to and trusted.

Nothing here reads or writes.
"""
