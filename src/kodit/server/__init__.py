"""The resident process of a data directory: it answers over its socket and over TCP, and starts and
watches the workers that index. Above the faces, which it mounts."""
