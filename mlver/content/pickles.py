"""What may run code when it is loaded, told by its name and its first bytes: nothing is loaded."""

from __future__ import annotations

from mlver.policy.staged_files import PICKLE_SUFFIXES

PICKLED_FORMATS = frozenset({"pickle", "joblib"})
# The opcodes that a pickle of protocol 2 or later may go on with (see pickletools). They tell it
# from a safetensors file, which can begin with the same two bytes.
_OPCODES = frozenset(b"}](){cXKMJGNIqBCTU\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f\x95\x96")
_PROTOCOL_OPCODE = 0x80
_PROTOCOLS = range(2, 6)


def is_pickle(name: str, head: bytes) -> bool:
    """Whether loading a file may run code.

    That is a pickle, or a zip archive that holds one, as torch.save writes it.
    """
    if is_named_pickle(name):
        return True
    if head.startswith(b"PK\x03\x04"):
        return b"data.pkl" in head
    if len(head) < 3:
        return False
    start, protocol, opcode = head[:3]
    return start == _PROTOCOL_OPCODE and protocol in _PROTOCOLS and opcode in _OPCODES


def is_named_pickle(name: str) -> bool:
    return name.lower().endswith(PICKLE_SUFFIXES)
