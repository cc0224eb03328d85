"""Reads the tensors of weights, in every format that says where they are: nothing is ever run.

`files.read_tensors` is the one entrance.
"""
