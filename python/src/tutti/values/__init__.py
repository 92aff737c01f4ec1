"""The types that payloads have, known by their descriptors: bytes to values, and values to bytes."""
