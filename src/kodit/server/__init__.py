"""The resident server of a data directory: it answers over its socket and over TCP, and starts and
supervises the workers that index. It is above the faces, which it mounts."""
