"""How codecs take corrupted pictures and damaged bitstreams."""
