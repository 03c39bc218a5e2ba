"""Further questions put to a finished run, one package each.

``robustness`` is the shape to copy: a :class:`bench.studies.study.Study`, of which lock, journal, resuming,
files, progress and command follow. The other two share the engine alone: ``set_metrics`` asks one question of
all pictures of an operating point, whose answer is a row of the report's own tables and curves, and
``explain`` is put to codecs and pictures without a run.
"""
