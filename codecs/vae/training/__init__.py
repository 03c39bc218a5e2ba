"""Training the ``vae``, and the parts that every training here shares."""
