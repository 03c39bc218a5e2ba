"""Reading baseline JPEG bitstreams code by code."""
