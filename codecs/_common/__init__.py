"""What adapters share: checks of options and headers, libraries, raster files."""
