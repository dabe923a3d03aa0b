"""The sidecar format: envelope, registers, join and typed values. msgspec, the standard library and the floor only."""
