"""Is one installation of a codec slower than another? Interleaved measurement and its statistics."""
