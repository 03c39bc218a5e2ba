"""Parts of the adapter for CompressAI."""
