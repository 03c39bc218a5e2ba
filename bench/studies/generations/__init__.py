"""How much codecs lose when their pictures are encoded again and again."""
