"""The resources of /api/v1, one file each: wire structs, mapping, handlers."""
