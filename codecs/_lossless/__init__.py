"""The transforms and entropy coders of ``huffman`` and ``lz``, and explanations of lossless bitstreams."""
