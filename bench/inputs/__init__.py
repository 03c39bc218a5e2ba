"""What is measured: suite files, data sets, and reading images."""
