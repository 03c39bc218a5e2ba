"""Still pictures by the encoders and decoders of video, which ffmpeg runs."""
