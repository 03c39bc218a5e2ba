"""The adapters that come with rdbench: one module or package for each codec."""
